import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createModels } from '../../src/core/catalog/models.ts'
import { catalogOperations, type CatalogDomains } from '../../src/core/catalog/operations.ts'
import type { Probe } from '../../src/core/catalog/probe.ts'
import { createProviderKeys } from '../../src/core/catalog/provider-keys.ts'
import { createProviders } from '../../src/core/catalog/providers.ts'
import type { RequestSize } from '../../src/core/catalog/route.ts'
import { systemClock } from '../../src/core/kernel/clock.ts'
import type { Operation } from '../../src/core/kernel/operation.ts'
import { createVault, type Vault } from '../../src/core/kernel/secrets.ts'
import { pricingOperations, type PricingDomains } from '../../src/core/pricing/operations.ts'
import { createPrices } from '../../src/core/pricing/prices.ts'
import { createRouting } from '../../src/core/routing/routing.ts'
import { openStorage } from '../../src/core/storage/open.ts'
import type { Storage, WriteTransaction } from '../../src/core/storage/storage.ts'
import { checkBaseUrl } from '../../src/core/upstream/base-url.ts'
import { usageOperations, type UsageDomains } from '../../src/core/usage/operations.ts'
import { createUsageReports } from '../../src/core/usage/reports.ts'

type Domains = CatalogDomains & PricingDomains & UsageDomains
// oxlint-disable-next-line typescript/no-explicit-any -- what an operation takes and gives is checked by its own schemas here
type Answer = any

/** The catalogue, prices and usage over real storage, driven through their operations as the runner drives them, but for roles and audit. */
export interface Administration {
  readonly storage: Storage
  readonly vault: Vault
  readonly dataDir: string
  readonly masterKey: Buffer
  now: number
  /** The answer of the provider to the next probes. */
  probe: Probe
  /** Runs one operation: input and output pass its schemas. */
  call(id: string, input: object): Promise<Answer>
  close(): Promise<void>
}

const operations = new Map(
  [...catalogOperations, ...pricingOperations, ...usageOperations].map((one) => [
    one.id,
    one as unknown as Operation<Domains, unknown, unknown, WriteTransaction>,
  ]),
)

export const openAdministration = async (reopen?: {
  readonly dataDir: string
  readonly masterKey: Buffer
}): Promise<Administration> => {
  const dataDir = reopen?.dataDir ?? mkdtempSync(join(tmpdir(), 'gateway-'))
  const masterKey = reopen?.masterKey ?? randomBytes(32)
  const storage = await openStorage({ dataDir, engine: new URL('../../src/core/ledger/engine.ts', import.meta.url) })
  const vault = createVault(masterKey)
  const shared = {
    storage,
    vault,
    routing: createRouting({ clock: systemClock, random: Math.random, deadlineMs: 60_000 }),
    checkBaseUrl,
    resolveSimulatedUrl: () => 'http://127.0.0.1:9/v1',
    probe: ((provider, key) => self.probe(provider, key)) satisfies Probe,
    defaultReserveTokens: 4096,
    measure: (_: string, body: Buffer): RequestSize => {
      const asked = JSON.parse(body.toString()) as { max_tokens?: number; n?: number }
      return {
        bodyBytes: body.length,
        remoteParts: 0,
        hasTools: false,
        hostedTools: false,
        choices: asked.n ?? 1,
        clientMaxTokens: asked.max_tokens,
        maxOutputTokens: null,
      }
    },
  }
  const domains: Domains = {
    providers: createProviders(shared),
    providerKeys: createProviderKeys(shared),
    models: createModels(shared),
    prices: createPrices(shared),
    usage: createUsageReports(shared),
  }
  const self: Administration = {
    storage,
    vault,
    dataDir,
    masterKey,
    now: Date.UTC(2026, 0, 15, 12),
    probe: async () => ({ status: 200, latencyMs: 3, models: [], failure: null }),
    async call(id, input) {
      const operation = operations.get(id)
      if (!operation) throw new Error(`no operation ${id}`)
      const parsed = operation.input.parse(input)
      const context = { actor: { id: 'local:test', role: 'admin' as const }, now: self.now, requestId: 'req_test' }
      const writes = operation.method !== 'GET' && operation.transaction !== 'none'
      const output = await (writes
        ? storage.write((trx) => operation.run(domains, parsed, { ...context, trx }))
        : operation.run(domains, parsed, { ...context, trx: undefined as unknown as WriteTransaction }))
      return operation.output.parse(output)
    },
    async close() {
      await storage.close()
      if (!reopen) rmSync(dataDir, { recursive: true, force: true })
    },
  }
  return self
}
