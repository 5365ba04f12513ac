import { z } from 'zod'
import { referenceField, textField, timestampField } from '../kernel/fields.ts'
import { listInput } from '../kernel/list-order.ts'
import { pageOf } from '../kernel/page.ts'

export const roleField = z.enum(['user', 'operator', 'admin'])
export const userStatusField = z.enum(['active', 'suspended', 'deleted'])

const emailField = z.string().max(320).describe('Trimmed and lower-cased; at most 254 characters.')
const passwordField = z.string().max(4096).describe('15 to 1024 characters.')
const nameField = textField(200)
const user = referenceField.describe('E-mail address or id.')

export const userView = z.object({
  id: z.string(),
  email: z.string(),
  name: z.string().nullable(),
  role: roleField,
  status: userStatusField,
  status_reason: z.string().nullable(),
  balance: z.object({ available: z.string(), held: z.string() }),
  created_at: z.string(),
  updated_at: z.string(),
})
export type UserView = z.infer<typeof userView>

export const usersPage = pageOf(userView)

export const createUserInput = z.strictObject({
  email: emailField,
  name: nameField.optional(),
  role: roleField.optional().describe('`user` if absent.'),
  password: passwordField.optional(),
})
export const listUsersInput = z.strictObject({
  q: z.string().max(256).optional().describe('Part of the e-mail address or name, taken literally.'),
  role: roleField.optional(),
  status: userStatusField.optional().describe('If absent, all but deleted users.'),
  ...listInput('-created_at', ['created_at', 'updated_at', 'email']),
})
export const userInput = z.strictObject({ user })
export const updateUserInput = z.strictObject({
  user,
  name: nameField.nullable().optional(),
  email: emailField.optional(),
})
export const setRoleInput = z.strictObject({ user, role: roleField })
export const setPasswordInput = z.strictObject({ user, password: passwordField })
export const suspendUserInput = z.strictObject({ user, reason: textField(500) })

export const tokenRoleField = z.enum(['operator', 'admin'])

/** An admin token; its secret is shown once, when it is made. */
export const tokenView = z.object({
  id: z.string(),
  name: z.string(),
  role: tokenRoleField,
  user: z.string().nullable().describe('Id of the user it speaks for.'),
  status: z.enum(['active', 'expired', 'revoked']),
  expires_at: z.string().nullable(),
  created_at: z.string(),
})
export type TokenView = z.infer<typeof tokenView>

export const tokensPage = pageOf(tokenView)
export const secretField = z
  .string()
  .nullable()
  .describe('Shown once; null when the answer is repeated for the same Idempotency-Key.')
export const createdTokenView = tokenView.extend({ secret: secretField })

export const createTokenInput = z.strictObject({
  name: textField(200),
  role: tokenRoleField,
  expires_at: timestampField.optional(),
})
export const listTokensInput = z.strictObject(listInput('-created_at', ['created_at', 'name']))
export const tokenInput = z.strictObject({ token: referenceField.describe('Name or id.') })
