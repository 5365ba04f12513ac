import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createVault } from '../kernel/secrets.ts'
import { openStorage } from '../storage/open.ts'
import { assertMasterKeyOpens } from './master-key.ts'

test('a master key that opens none of the stored keys is refused, the right one and an empty database are not', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'gateway-master-key-'))
  const storage = await openStorage({ dataDir })
  try {
    const right = createVault(Buffer.alloc(32, 1))
    const wrong = createVault(Buffer.alloc(32, 2))
    await assertMasterKeyOpens(storage, wrong)
    const times = { created_at: 1, updated_at: 1 }
    await storage.write(async ({ db }) => {
      const provider = {
        id: 'prv_1',
        name: 'p',
        kind: 'openai',
        base_url: 'https://p.example',
        speaks: null,
        allow_private: null,
      }
      await db
        .insertInto('providers')
        .values({ ...provider, timeout_ms: null, status: 'active', ...times })
        .execute()
      const key = {
        id: 'pvk_1',
        provider_id: 'prv_1',
        label: 'a',
        sealed: right.seal('secret', 'pvk_1'),
        hint: 'cret',
        weight: 1,
      }
      await db
        .insertInto('provider_keys')
        .values({ ...key, status: 'active', status_reason: null, ...times })
        .execute()
    })
    await assertMasterKeyOpens(storage, right)
    await expect(assertMasterKeyOpens(storage, wrong)).rejects.toMatchObject({
      code: 'configuration_invalid',
      exit: 78,
    })
  } finally {
    await storage.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
})
