import { GatewayError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { providerKindById } from '../provider-kinds/index.ts'
import type { ProviderKind } from '../provider-kinds/provider-kind.ts'
import type { Vault } from '../kernel/secrets.ts'
import type { ProviderKeysTable } from '../storage/schema.ts'

/** The row of a new key. The hint shows four characters, and none of a secret so short that they would give it away. */
export const sealedRow = (
  vault: Vault,
  given: {
    readonly providerId: string
    readonly kind: string
    readonly secret: string
    readonly label: string
    readonly weight: number
    readonly now: number
  },
): ProviderKeysTable => {
  const secret = checkSecret(given.secret, providerKindById(given.kind))
  const id = newId('providerKey', given.now)
  return {
    id,
    provider_id: given.providerId,
    label: given.label,
    sealed: vault.seal(secret, id),
    hint: secret.length >= 12 ? secret.slice(-4) : '****',
    weight: given.weight,
    status: 'active',
    status_reason: null,
    created_at: given.now,
    updated_at: given.now,
  }
}

/** A secret goes into a header: printable ASCII only. Blanks and line ends around it come from files and pipes. */
const checkSecret = (text: string, kind: ProviderKind | undefined): string => {
  if (kind?.readSecret) return readBy(kind.readSecret, text)
  const secret = text.trim()
  if (/^[\x21-\x7e]+$/.test(secret)) return secret
  throw new GatewayError(
    'invalid_request',
    'secret: a provider key is one line of printable characters without blanks.',
    { param: 'secret' },
  )
}

const readBy = (read: (text: string) => string, text: string): string => {
  try {
    return read(text)
  } catch (error) {
    const why = error instanceof Error ? error.message : 'The key cannot be read.'
    throw new GatewayError('invalid_request', `secret: ${why}`, { param: 'secret' })
  }
}
