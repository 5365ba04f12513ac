import { sha256 } from '../../kernel/secrets.ts'
import { fieldName } from '../client-fields.ts'
import { compact } from '../read.ts'
import type { Effort, JsonObject, NeutralRequest, OutputFormat, Warning } from '../neutral/index.ts'
import type { EncodeRequestOptions } from '../protocol.ts'
import { effortOf, leastEffort, neverReasons } from '../effort.ts'
import { encodeMessages } from './encode-messages.ts'
import { encodeTools } from './encode-tools.ts'
import { refuseForeign, unsupported, Warnings } from './refusals.ts'
import { fitsStrict } from './strict-schema.ts'

const maxStops = 4
const maxUserLength = 64

/** Fields of this protocol that the neutral form renamed are put back; usage is always asked for, because the bill needs it. */
export const encodeRequest = (
  request: NeutralRequest,
  options: EncodeRequestOptions,
): { readonly body: JsonObject; readonly warnings: readonly Warning[] } => {
  const warnings = new Warnings(request.protocol)
  const dialect = options.chat ?? {}
  refuseForeign(request, warnings)
  // The neutral form of an answer has no place for them: they would be paid for and lost.
  if (request.logprobs)
    unsupported(fieldName(request, 'logprobs'), 'log probabilities cannot be passed on from this provider')
  const limit = Math.min(request.maxTokens ?? Number.POSITIVE_INFINITY, options.maxTokens ?? Number.POSITIVE_INFINITY)
  const extra = { ...request.extensions?.['openai-chat'] }
  const body: JsonObject = {
    model: options.model,
    messages: encodeMessages(request, dialect, warnings),
    ...encodeTools(request, options, warnings),
    ...(limit < Number.POSITIVE_INFINITY && { [dialect.maxTokensField ?? 'max_completion_tokens']: limit }),
    ...compact({
      temperature: request.temperature,
      top_p: request.topP,
      top_k: request.protocol === 'openai-chat' ? request.topK : undefined,
      n: request.choices,
      stop: encodeStops(request),
      response_format: request.format && encodeFormat(request.format, request, warnings),
      reasoning_effort: encodeEffort(request, options.model, warnings),
      seed: request.seed,
      presence_penalty: request.presencePenalty,
      frequency_penalty: request.frequencyPenalty,
      logit_bias: request.logitBias,
      verbosity: request.verbosity,
      user: encodeUser(request, warnings),
      metadata: request.metadata,
      service_tier: request.serviceTier,
    }),
    ...(request.stream && { stream: true, stream_options: { include_usage: true } }),
    ...extra,
  }
  if (dialect.noStreamOptions) delete body['stream_options']
  if (dialect.toolChoiceAny && body['tool_choice'] === 'required') body['tool_choice'] = 'any'
  return { body, warnings: warnings.list }
}

/** Ids of Anthropic's clients may be longer than the API takes; a hash tells users apart as well. */
const encodeUser = (request: NeutralRequest, warnings: Warnings): string | undefined => {
  const { protocol, user } = request
  if (user === undefined || protocol === 'openai-chat' || user.length <= maxUserLength) return user
  warnings.changed(fieldName(request, 'user'), `longer than ${maxUserLength} characters, sent as its hash`)
  return sha256(user)
}

const encodeStops = (request: NeutralRequest): string[] | undefined => {
  const { protocol, stop } = request
  if (!stop || stop.length === 0) return undefined
  if (protocol !== 'openai-chat' && stop.length > maxStops)
    unsupported(fieldName(request, 'stop'), `at most ${maxStops} are accepted`)
  return [...stop]
}

const encodeFormat = (format: OutputFormat, request: NeutralRequest, warnings: Warnings): JsonObject => {
  if (format.type === 'text') return { type: 'text' }
  if (format.type === 'json') return { type: 'json_object' }
  return {
    type: 'json_schema',
    json_schema: compact({
      name: format.name ?? 'response',
      description: format.description,
      schema: format.schema,
      strict: format.strict ?? (request.protocol === 'openai-chat' ? undefined : enforce(format, request, warnings)),
    }),
  }
}

/** A schema that was promised to be kept is sent as strict; OpenAI takes it so only if it names all properties as required and allows no others. */
const enforce = (
  { schema, path }: Extract<OutputFormat, { type: 'schema' }>,
  request: NeutralRequest,
  warnings: Warnings,
): true | undefined => {
  if (fitsStrict(schema)) return true
  warnings.changed(
    path ?? fieldName(request, 'format'),
    'the schema is not enforced: strict mode needs every property required',
  )
  return undefined
}

/** Models that do not reason, and some servers, refuse the field: thinking that is switched off is told only where the model is known to take it. */
const encodeEffort = (request: NeutralRequest, model: string, warnings: Warnings): Effort | undefined => {
  const { reasoning } = request
  if (!reasoning) return undefined
  if (reasoning.mode === 'off') {
    const path = fieldName(request, 'reasoning')
    const least = leastEffort(model)
    if (least === undefined && !neverReasons.test(model))
      warnings.dropped(path, 'models that always reason cannot be kept from it')
    else if (least !== undefined && least !== 'none')
      warnings.changed(path, `this model always reasons; "${least}" is its least`)
    return least
  }
  if (reasoning.effort) return reasoning.effort
  return reasoning.budgetTokens === undefined ? undefined : effortOf(reasoning.budgetTokens)
}
