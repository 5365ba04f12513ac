import { forwarded } from './headers.ts'
import type { ProviderKind } from './provider-kind.ts'

/** What we speak when the client named no version, because it speaks another protocol. */
const defaultVersion = '2023-06-01'
/** From this version on Anthropic's own SDK sends API keys as bearer tokens and no `x-api-key`. */
const bearerSince = '2026-10-21'

export const anthropicClientHeaders = [
  'anthropic-version',
  'anthropic-beta',
  'idempotency-key',
  'x-client-request-id',
] as const

/** Betas that speak about the caller's own login, which is not the one we use. */
const aboutCredentials = /^oauth-/
const maxBetas = 32

/** `anthropic-beta` as it may pass: well-formed names, each once, none about credentials. Undefined when nothing is left. */
export const filterBetas = (value: string): string | undefined => {
  const names = value.split(',').map((name) => name.trim())
  const good = names.filter((name) => /^[a-z0-9][a-z0-9._-]{0,99}$/.test(name) && !aboutCredentials.test(name))
  return good.length === 0 ? undefined : [...new Set(good)].slice(0, maxBetas).join(',')
}

/** `credentials: 'by-version'` for Anthropic itself; servers like it know `x-api-key` whatever the version. */
export const anthropicHeaders =
  (credentials: 'by-version' | 'x-api-key'): ProviderKind['headers'] =>
  ({ secret, client }) => {
    const {
      'anthropic-version': asked = '',
      'anthropic-beta': betas,
      ...headers
    } = forwarded(anthropicClientHeaders, client)
    const version = /^\d{4}-\d{2}-\d{2}$/.test(asked) ? asked : defaultVersion
    headers['anthropic-version'] = version
    const passing = betas === undefined ? undefined : filterBetas(betas)
    if (passing !== undefined) headers['anthropic-beta'] = passing
    if (secret === null) return headers
    if (credentials === 'by-version' && version >= bearerSince) headers['authorization'] = `Bearer ${secret}`
    else headers['x-api-key'] = secret
    return headers
  }
