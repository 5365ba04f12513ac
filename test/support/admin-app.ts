import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAudit } from '../../src/core/audit/audit.ts'
import { createModels } from '../../src/core/catalog/models.ts'
import type { ProbeResult } from '../../src/core/catalog/probe.ts'
import { createProviderKeys } from '../../src/core/catalog/provider-keys.ts'
import { createProviders } from '../../src/core/catalog/providers.ts'
import { defaultConfig } from '../../src/core/config/options.ts'
import { createPasswordHasher } from '../../src/core/identity/passwords.ts'
import { createAdminTokens } from '../../src/core/identity/tokens.ts'
import { createUsers } from '../../src/core/identity/users.ts'
import type { Clock } from '../../src/core/kernel/clock.ts'
import type { Actor } from '../../src/core/kernel/operation.ts'
import { createVault } from '../../src/core/kernel/secrets.ts'
import { createKeys } from '../../src/core/keys/keys.ts'
import { createCredits } from '../../src/core/ledger/credits.ts'
import { createLedger, ledgerEngine } from '../../src/core/ledger/ledger.ts'
import { runOperation } from '../../src/core/operations.ts'
import type { AdminApp, RunOptions } from '../../src/core/operations.ts'
import { createRouting } from '../../src/core/routing/routing.ts'
import { createPrices } from '../../src/core/pricing/prices.ts'
import { openStorage } from '../../src/core/storage/open.ts'
import type { OpenStorage } from '../../src/core/storage/open.ts'
import { createSystem } from '../../src/core/system/system.ts'
import { createUsageReports } from '../../src/core/usage/reports.ts'

/** A clock that a test moves by hand; `offset` is added to real time. */
export interface TestClock extends Clock {
  offset: number
}

export interface TestApp extends AdminApp {
  readonly storage: OpenStorage
  readonly clock: TestClock
  readonly dataDir: string
  /** Runs an operation as an admin and returns its output, untyped. */
  // oxlint-disable-next-line no-explicit-any -- tests read fields of many shapes; a wrong one fails the test
  call(id: string, input: unknown, options?: RunOptions): Promise<any>
  close(): Promise<void>
}

export const testAdmin: Actor = { id: 'local:test', role: 'admin' }

const answer: ProbeResult = { status: 200, latencyMs: 1, models: ['real'], failure: null }

/** Everything that operations need, on a real database in a directory of its own. Providers are probed by a function that always succeeds. */
export const openTestApp = async (dataDir = mkdtempSync(join(tmpdir(), 'tollgate-'))): Promise<TestApp> => {
  const storage = await openStorage({ dataDir, engine: ledgerEngine })
  const clock: TestClock = {
    offset: 0,
    now: () => Date.now() + clock.offset,
    monotonic: () => performance.now(),
  }
  const config = defaultConfig(dataDir)
  const vault = createVault(Buffer.alloc(32, 7))
  const probe = () => Promise.resolve(answer)
  const resolveSimulatedUrl = () => null
  const routing = createRouting({ clock, random: Math.random, deadlineMs: 60_000 })
  const users = createUsers({ storage })
  const ledger = createLedger({ storage, clock })
  const runtime = { version: '0.0.0', startedAt: clock.now(), mode: 'direct' as const, url: () => null }
  const app: AdminApp = {
    storage,
    clock,
    users,
    passwords: createPasswordHasher(),
    tokens: createAdminTokens({ storage, clock }),
    keys: createKeys({ storage, users }),
    credits: createCredits({ storage, users, ledger }),
    audit: createAudit({ storage }),
    system: createSystem({ storage, config, runtime, clock }),
    prices: createPrices({ storage }),
    usage: createUsageReports({ storage }),
    providers: createProviders({ storage, vault, checkBaseUrl: (url) => url, resolveSimulatedUrl, probe }),
    providerKeys: createProviderKeys({ storage, vault, routing, resolveSimulatedUrl, probe }),
    models: createModels({
      storage,
      vault,
      routing,
      probe,
      resolveSimulatedUrl,
      defaultReserveTokens: config.defaultReserveTokens,
      measure: (_protocol, body) => ({
        bodyBytes: body.length,
        remoteParts: 0,
        hasTools: false,
        hostedTools: false,
        choices: 1,
        clientMaxTokens: undefined,
        maxOutputTokens: null,
      }),
    }),
  }
  return {
    ...app,
    storage,
    clock,
    dataDir,
    call: (id, input, options) => runOperation(app, testAdmin, id, input, options),
    async close() {
      ledger.close()
      await storage.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
