import { createPrivateKey, createSign } from 'node:crypto'
import { z } from 'zod'
import type { TokenExchange } from './provider-kind.ts'

const serviceAccount = z.object({
  client_email: z.string().min(1),
  private_key: z.string().min(1),
  private_key_id: z.string().optional(),
  token_uri: z.url({ protocol: /^https?$/ }).default('https://oauth2.googleapis.com/token'),
})
const tokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.number().positive().default(3600) })

const wrongSecret =
  'The key must be the JSON of a Google service account, as Google gives it to download (client_email, private_key, token_uri).'

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/**
 * Access tokens for a Google service account (OAuth 2.0, RFC 7523): an assertion signed by the account's key, good for an hour. The secret is the account's JSON.
 */
export const googleToken = (scope: string): TokenExchange => ({
  request(secret, nowMs) {
    const account = readAccount(secret)
    const issued = Math.floor(nowMs / 1000)
    const header = { alg: 'RS256', typ: 'JWT', ...(account.private_key_id && { kid: account.private_key_id }) }
    const claims = { iss: account.client_email, scope, aud: account.token_uri, iat: issued, exp: issued + 3600 }
    const unsigned = `${base64url(header)}.${base64url(claims)}`
    const signature = createSign('RSA-SHA256').update(unsigned).sign(readKey(account.private_key), 'base64url')
    const body = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: `${unsigned}.${signature}`,
    })
    return { url: account.token_uri, body: body.toString() }
  },
  read(body) {
    const { access_token: token, expires_in: expiresIn } = tokenAnswer.parse(JSON.parse(body.toString('utf8')))
    return { token, expiresIn }
  },
})

/** The account's JSON with nothing but what is needed of it. Throws a sentence for the operator. */
export const readServiceAccount = (text: string): string => {
  const account = readAccount(text)
  readKey(account.private_key)
  return JSON.stringify(account)
}

const readAccount = (secret: string): z.infer<typeof serviceAccount> => {
  try {
    return serviceAccount.parse(JSON.parse(secret))
  } catch {
    throw new Error(wrongSecret)
  }
}

const readKey = (pem: string) => {
  try {
    return createPrivateKey(pem)
  } catch {
    throw new Error('The private_key of the service account cannot be read.')
  }
}
