import { GatewayError } from '../kernel/errors.ts'
import type { Vault } from '../kernel/secrets.ts'
import type { Storage } from '../storage/storage.ts'
import { allProviderKeys } from './repository.ts'

/**
 * Refuses a master key that opens none of the stored provider keys: it is another one, and what were sealed with it from here on would leave a mix that no key opens.
 * Throws `configuration_invalid`.
 */
export const assertMasterKeyOpens = async ({ read }: Pick<Storage, 'read'>, vault: Vault): Promise<void> => {
  const stored = await allProviderKeys(read)
  if (stored.length === 0 || stored.some(({ id, sealed }) => opens(vault, sealed, id))) return
  throw new GatewayError(
    'configuration_invalid',
    'The master key is not the one this database was made with: it opens none of its provider keys.',
    {
      hint: 'Restore master.key from a backup, or set GATEWAY_MASTER_KEY to the right one.',
    },
  )
}

const opens = (vault: Vault, sealed: string, id: string): boolean => {
  try {
    vault.open(sealed, id)
    return true
  } catch {
    return false
  }
}
