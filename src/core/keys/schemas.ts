import { z } from 'zod'
import { creditsField, referenceField, textField, timestampField } from '../kernel/fields.ts'
import { listInput } from '../kernel/list-order.ts'
import { pageOf } from '../kernel/page.ts'
import { isNetwork } from './ip-allow.ts'

const key = referenceField.describe('Name or id.')
const count = (max: number) => z.number().int().min(1).max(max)
export const keyStatusField = z.enum(['active', 'disabled', 'revoked'])
const periodField = z.enum(['day', 'week', 'month', 'total'])

const quotaField = z
  .strictObject({
    credits: creditsField.optional(),
    tokens: count(Number.MAX_SAFE_INTEGER).optional(),
    requests: count(Number.MAX_SAFE_INTEGER).optional(),
    period: periodField,
  })
  .refine(
    ({ credits, tokens, requests }) => credits !== undefined || tokens !== undefined || requests !== undefined,
    'A quota limits at least one of credits, tokens, requests.',
  )

const tagField = z
  .record(
    z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'A tag has 1 to 64 letters, digits, dots, dashes or underscores.'),
    textField(256),
  )
  .refine((tags) => Object.keys(tags).length <= 32, 'At most 32 tags.')

/** What may be set when a key is made and changed later. */
const settings = {
  models: z
    .array(z.string().regex(/^[A-Za-z0-9._:/-]{1,128}$/, 'This is no name of a model.'))
    .min(1)
    .max(500),
  expires_at: timestampField,
  quota: quotaField,
  rpm: count(1_000_000_000).describe('Requests per minute.'),
  tpm: count(1_000_000_000_000).describe('Tokens per minute.'),
  concurrency: count(1_000_000).describe('Requests at the same time.'),
  allow_ips: z
    .array(
      z.string().max(64).refine(isNetwork, 'Write an address or a network, for example 10.0.0.0/8 or 2001:db8::1.'),
    )
    .min(1)
    .max(100),
}

export const keyView = z.object({
  id: z.string(),
  name: z.string(),
  start: z.string().describe('The first characters of the secret, for recognition.'),
  user: z.object({ id: z.string(), email: z.string() }),
  status: keyStatusField,
  models: z.array(z.string()).nullable(),
  allow_ips: z.array(z.string()).nullable(),
  expires_at: z.string().nullable(),
  quota: z
    .object({
      credits: z.string().nullable(),
      tokens: z.number().nullable(),
      requests: z.number().nullable(),
      period: periodField,
    })
    .nullable(),
  rpm: z.number().nullable(),
  tpm: z.number().nullable(),
  concurrency: z.number().nullable(),
  tags: z.record(z.string(), z.string()),
  created_at: z.string(),
  updated_at: z.string(),
})
export type KeyView = z.infer<typeof keyView>

export const keysPage = pageOf(keyView)
export const issuedKeyView = keyView.extend({
  secret: z
    .string()
    .nullable()
    .describe('The whole key, shown once; null when the answer is repeated for the same Idempotency-Key.'),
})

export const createKeyInput = z.strictObject({
  user: referenceField.describe('E-mail address or id.'),
  name: textField(128).optional(),
  models: settings.models.optional(),
  expires_at: settings.expires_at.optional(),
  quota: settings.quota.optional(),
  rpm: settings.rpm.optional(),
  tpm: settings.tpm.optional(),
  concurrency: settings.concurrency.optional(),
  allow_ips: settings.allow_ips.optional(),
  tags: tagField.optional(),
})
export const updateKeyInput = z.strictObject({
  key,
  name: textField(128).optional(),
  models: settings.models.nullish().describe('null allows all models.'),
  expires_at: settings.expires_at.nullish(),
  quota: settings.quota.nullish(),
  rpm: settings.rpm.nullish(),
  tpm: settings.tpm.nullish(),
  concurrency: settings.concurrency.nullish(),
  allow_ips: settings.allow_ips.nullish(),
  tags: tagField.nullish(),
})
export type KeySettings = Omit<z.infer<typeof updateKeyInput>, 'key'>

export const listKeysInput = z.strictObject({
  user: referenceField.optional(),
  status: keyStatusField.optional(),
  q: z.string().max(256).optional().describe('Part of the name or the beginning of the secret, taken literally.'),
  ...listInput('-created_at', ['created_at', 'updated_at', 'name']),
})
export const keyInput = z.strictObject({ key })
export const rotateKeyInput = z.strictObject({
  key,
  grace_seconds: z
    .number()
    .int()
    .min(0)
    .max(2_592_000)
    .optional()
    .describe('How long the old secret still works; 0 if absent.'),
})
