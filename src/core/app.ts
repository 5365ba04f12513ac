import { createAudit } from './audit/audit.ts'
import { assertMasterKeyOpens } from './catalog/master-key.ts'
import { createModels } from './catalog/models.ts'
import { createProbe } from './catalog/probe.ts'
import { createProviderKeys } from './catalog/provider-keys.ts'
import { createProviders } from './catalog/providers.ts'
import type { Config } from './config/config.ts'
import type { LoadedConfig } from './config/load.ts'
import { loadMasterKey } from './config/master-key.ts'
import { measureRequest } from './exchange/measure.ts'
import { createPasswordHasher } from './identity/passwords.ts'
import { createAdminTokens } from './identity/tokens.ts'
import { createUsers } from './identity/users.ts'
import { systemClock } from './kernel/clock.ts'
import { createSealer, createVault } from './kernel/secrets.ts'
import { programVersion } from './kernel/version.ts'
import { createKeys } from './keys/keys.ts'
import { createCredits } from './ledger/credits.ts'
import { createLedger, ledgerEngine } from './ledger/ledger.ts'
import { createPrices } from './pricing/prices.ts'
import { createRouting } from './routing/routing.ts'
import { probeSimulated } from './simulated/probe.ts'
import { daemonRuns } from './storage/lock.ts'
import { openStorage } from './storage/open.ts'
import { createSystem } from './system/system.ts'
import { checkBaseUrl } from './upstream/base-url.ts'
import { createCredentials } from './upstream/credentials.ts'
import { createUpstream } from './upstream/send.ts'
import { createUsageReports } from './usage/reports.ts'

export interface AppOptions {
  /** `direct`: a command that works on the database itself. */
  readonly mode?: 'daemon' | 'direct'
  readonly origins?: LoadedConfig['origins']
}

const probeTimeoutMs = 10_000

/**
 * Builds every domain in order, by hand: the only wiring of the core. What it returns can run every administrative operation; `createServing` adds what serves requests.
 * Opening creates, checks and migrates the databases.
 */
export const createApp = async (config: Config, { mode = 'direct', origins }: AppOptions = {}) => {
  const clock = systemClock
  // Before the databases are opened: what that changes counts as done by this process.
  const startedAt = clock.now()
  const masterKey = loadMasterKey(config)
  const vault = createVault(masterKey)
  const storage = await openStorage({
    dataDir: config.dataDir,
    engine: ledgerEngine,
    journal: mode === 'daemon' ? 'gather' : daemonRuns(config.dataDir) ? 'none' : 'replay',
  })
  await assertMasterKeyOpens(storage, vault).catch(async (error: unknown) => {
    await storage.close()
    throw error
  })
  const upstream = createUpstream({ clock, allowPrivate: config.allowPrivateUpstreams })
  let url: string | null = null
  let refresh: () => Promise<void> = () => Promise.resolve()
  let simulatedUrl: () => string | null = () => null
  const resolveSimulatedUrl = (): string | null => simulatedUrl()

  const routing = createRouting({ clock, random: Math.random, deadlineMs: config.firstByteTimeoutMs })
  const audit = createAudit({ storage })
  const users = createUsers({ storage })
  const tokens = createAdminTokens({ storage, clock })
  const keys = createKeys({ storage, users })
  const ledger = createLedger({ storage, clock })
  const credits = createCredits({ storage, users, ledger })
  const ask = createProbe({
    upstream,
    credentials: createCredentials({ upstream, clock, connectTimeoutMs: config.connectTimeoutMs }),
    clock,
    connectTimeoutMs: config.connectTimeoutMs,
    answerTimeoutMs: probeTimeoutMs,
  })
  const probe = mode === 'direct' ? probeSimulated(ask, clock) : ask
  const providers = createProviders({
    storage,
    vault,
    checkBaseUrl: (base, allow, query) => checkBaseUrl(base, [...config.allowPrivateUpstreams, ...allow], query),
    resolveSimulatedUrl,
    probe,
  })
  const providerKeys = createProviderKeys({ storage, vault, routing, resolveSimulatedUrl, probe })
  const models = createModels({
    storage,
    vault,
    routing,
    resolveSimulatedUrl,
    probe,
    defaultReserveTokens: config.defaultReserveTokens,
    measure: measureRequest,
  })
  const prices = createPrices({ storage })
  const usage = createUsageReports({ storage })
  const runtime = { version: programVersion, startedAt, mode, url: () => url, ...(origins && { origins }) }
  const system = createSystem({ storage, config, runtime, clock })
  const passwords = createPasswordHasher()

  return Object.freeze({
    config,
    clock,
    vault,
    /** For reasoning state that clients carry. */
    stateSealer: createSealer(masterKey, 'tollgate reasoning state'),
    storage,
    upstream,
    audit,
    users,
    passwords,
    tokens,
    keys,
    ledger,
    credits,
    providers,
    providerKeys,
    models,
    prices,
    usage,
    system,
    /** What is known of targets and provider keys. */
    routing,
    resolveSimulatedUrl,
    /** Resolves when everything that serves in this process has seen what is committed now. */
    refreshed: () => refresh(),
    /** How what serves in this process is brought up to date. */
    refreshWith(work: () => Promise<void>): void {
      refresh = work
    },
    /** Where the proxy listens, once it does. */
    announce(listening: string): void {
      url = listening
    },
    /** Where the simulated provider of this process is found. */
    simulateAt(where: () => string | null): void {
      simulatedUrl = where
    },
    async close(): Promise<void> {
      ledger.close()
      await upstream.close()
      await storage.close()
    },
  })
}

export type App = Awaited<ReturnType<typeof createApp>>
