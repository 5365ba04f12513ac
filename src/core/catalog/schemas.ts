import { z } from 'zod'
import { pricesInput, pricesView } from '../pricing/schemas.ts'
import { quirkIds } from '../protocols/openai-chat/quirks.ts'
import { strategies } from './strategies.ts'
import { maxPriority, maxWeight } from './target-syntax.ts'

export const protocolId = z.enum([
  'openai-chat',
  'openai-responses',
  'anthropic-messages',
  'gemini',
  'bedrock-converse',
])
const status = z.enum(['active', 'disabled'])
const named = z.object({ id: z.string(), name: z.string() })

/** Names of providers appear in targets (`provider/model`), so they hold no `/`. */
export const providerName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    'A provider name has 1 to 64 letters, digits, dots, dashes or underscores, and begins with a letter or digit.',
  )

export const providerFields = {
  base_url: z.string().min(1).max(2048).describe('With its version segment, for example https://api.openai.com/v1.'),
  speaks: z
    .array(protocolId)
    .min(1)
    .max(8)
    .describe('Protocols used towards it, the preferred first; by kind if absent.'),
  timeout_ms: z.coerce.number().int().min(100).max(3_600_000).describe('Milliseconds to the first byte of an answer.'),
  settings: z
    .record(z.string().max(64), z.string().max(64))
    .describe('What fills the braces of the base URL of its kind, for example {"region": "us-east-1"}.'),
  quirks: z
    .partialRecord(z.enum(quirkIds), z.boolean())
    .describe('Named differences of its server, switched on or off beside those of its kind (docs/providers.md).'),
  allow_private: z
    .union([z.boolean(), z.array(z.string().min(1).max(255)).max(32)])
    .describe('Hosts or networks that may be private addresses; true for the host of the base URL.'),
}

export const secret = z.string().min(1).max(8192)

export const providerView = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.string(),
  base_url: z.string(),
  speaks: z.array(protocolId),
  timeout_ms: z.number().nullable(),
  allow_private: z.array(z.string()),
  settings: z.record(z.string(), z.string()),
  quirks: z.array(z.string()).describe('Those in force.'),
  status,
  keys: z.number().describe('Number of its provider keys.'),
  created_at: z.string(),
  updated_at: z.string(),
})
export type ProviderView = z.infer<typeof providerView>

export const kindView = z.object({
  id: z.string(),
  title: z.string(),
  speaks: z.array(protocolId),
  auth: z.string().describe('How it authenticates.'),
  base_url: z.string().nullable(),
  settings: z
    .array(z.object({ name: z.string(), title: z.string() }))
    .describe('What fills the braces of the base URL.'),
  quirks: z.array(z.string()).describe('Named differences from OpenAI that its kind has.'),
  keyless: z.boolean(),
  docs: z.string(),
})
export type KindView = z.infer<typeof kindView>

/** What a call to the provider's list of models told. */
export const testView = z.object({
  ok: z.boolean(),
  status: z.number().nullable().describe('HTTP status; null when no answer came.'),
  latency_ms: z.number(),
  message: z.string(),
  models: z.number().nullable().describe('How many models it lists, where it tells.'),
})
export type TestView = z.infer<typeof testView>
export const providerTestView = testView.extend({ provider: z.string(), key: z.string().nullable() })
export type ProviderTestView = z.infer<typeof providerTestView>

export const providerKeyView = z.object({
  id: z.string(),
  provider: named,
  label: z.string(),
  hint: z.string().describe('Last four characters of the secret.'),
  weight: z.number(),
  status,
  status_reason: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
})
export type ProviderKeyView = z.infer<typeof providerKeyView>

export const cooldownsView = z.object({
  keys: z.array(
    z.object({
      id: z.string(),
      provider: z.string(),
      label: z.string(),
      reason: z.string(),
      seconds_left: z.number().describe('Until one request tries it again; 0: the next.'),
    }),
  ),
})
export type CooldownsView = z.infer<typeof cooldownsView>

export const clearedView = z.object({ cleared: z.number().describe('How many keys were resting.') })
export type ClearedView = z.infer<typeof clearedView>

export const label = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    'A label has 1 to 64 letters, digits, dots, dashes or underscores, and begins with a letter or digit.',
  )
export const weight = z.coerce.number().int().min(1).max(maxWeight)
export const priority = z.coerce.number().int().min(1).max(maxPriority)

export const modelName = z
  .string()
  .regex(/^[A-Za-z0-9._:/-]{1,128}$/, 'The name of a model has 1 to 128 characters of letters, digits and . _ : / -')

export const targetInput = z.strictObject({
  provider: z.string().min(1).max(64).describe('Name or id of a provider.'),
  model: z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, "The provider's name of the model: 1 to 200 characters without blanks.")
    .describe("The provider's own name of the model."),
  weight: weight.default(1),
  priority: priority.default(1).describe('Lower is tried first.'),
})
export type TargetInput = z.infer<typeof targetInput>

const tokenCount = z.coerce.number().int().min(1).max(100_000_000)
export const modelFields = {
  targets: z
    .array(z.union([targetInput, z.string().min(1).max(300)]))
    .min(1)
    .max(32)
    .describe(
      'Targets as objects, or as text: provider/model[@weight][#priority]. A name that ends in @something takes a weight behind it: model@latest@1.',
    ),
  prices: pricesInput,
  free: z.boolean().describe('Costs nothing, on purpose.'),
  strategy: z.enum(strategies),
  context_window: tokenCount,
  max_output_tokens: tokenCount,
  defaults: z.record(z.string(), z.json()).describe('Values for fields that the client leaves out.'),
  caps: z.record(z.string(), z.number()).describe('Upper bounds of numeric fields, for example {"max_tokens": 4096}.'),
  strict: z.boolean().describe('Refuse what the target cannot be told exactly, instead of changing or dropping it.'),
  drop_unsupported_tools: z
    .boolean()
    .describe('Leave out hosted tools (web search, …) that the target lacks, instead of refusing the request.'),
}

export const modelView = z.object({
  id: z.string(),
  name: z.string(),
  status,
  free: z.boolean(),
  strategy: z.enum(strategies),
  context_window: z.number().nullable(),
  max_output_tokens: z.number().nullable(),
  defaults: z.record(z.string(), z.json()),
  caps: z.record(z.string(), z.number()),
  strict: z.boolean(),
  drop_unsupported_tools: z.boolean(),
  prices: pricesView.nullable().describe('The price in force; null when there is none.'),
  targets: z.array(
    z.object({ id: z.string(), provider: z.string(), model: z.string(), weight: z.number(), priority: z.number() }),
  ),
  created_at: z.string(),
  updated_at: z.string(),
})
export type ModelView = z.infer<typeof modelView>

/** Dry run: what would happen to a request, without calling anything. */
export const routeView = z.object({
  model: z.string(),
  client_protocol: protocolId,
  strategy: z.enum(strategies),
  targets: z.array(
    z.object({
      provider: z.string(),
      model: z.string(),
      protocol: protocolId,
      weight: z.number(),
      priority: z.number(),
      keys: z.number(),
      keys_ready: z.number().describe('Keys that do not rest.'),
      usable: z.boolean(),
      reason: z.string().nullable().describe('Why it cannot be used.'),
      healthy: z.boolean().describe('Whether the next request may be sent there.'),
      health: z.string().nullable().describe('What is held against it or its keys now.'),
    }),
  ),
  target: z
    .object({ provider: z.string(), model: z.string(), protocol: protocolId })
    .nullable()
    .describe('The first that would be tried; with other strategies than priority, one of them.'),
  free: z.boolean(),
  price: pricesView.extend({ id: z.string() }).nullable(),
  hold: z
    .object({
      prompt_tokens: z.number().describe('At most this many tokens of input.'),
      output_tokens: z.number().describe('At most this many tokens of output, all choices together.'),
      output_limit: z.enum(['client', 'model', 'reserve']).describe('Whose limit that is.'),
      min: z.string(),
      max: z.string(),
    })
    .nullable(),
  problems: z.array(z.string()),
})
export type RouteView = z.infer<typeof routeView>

export const modelTestView = z.object({
  model: z.string(),
  ok: z.boolean(),
  targets: z.array(testView.extend({ provider: z.string(), model: z.string(), listed: z.boolean().nullable() })),
})
export type ModelTestView = z.infer<typeof modelTestView>
