import type { App } from './app.ts'
import { createCatalog } from './catalog/catalog.ts'
import { createTokenCounter } from './endpoints/counting/token-counter.ts'
import { createExchange } from './exchange/exchange.ts'
import { newId } from './kernel/ids.ts'
import type { Log } from './kernel/log.ts'
import { createKeyVerifier } from './keys/verify.ts'
import { createLimiter } from './limits/limiter.ts'
import { chargeFor } from './pricing/charge.ts'
import { startSimulated } from './simulated/server.ts'
import { createKeptResponses } from './usage/kept-responses.ts'
import { createCredentials } from './upstream/credentials.ts'

/**
 * What serves requests, on top of an app: verdicts and catalogue in memory, and the exchange. First settles what an earlier run left open, so that no balance is shown
 * or spent that is about to change.
 */
export const createServing = async (app: App, log: Log) => {
  const { clock, storage, ledger, upstream, config, vault } = app
  /** This run of the daemon: its holds are its own, those of any other run are settled now. */
  const epoch = newId('request', clock.now()).replace('req_', 'run_')
  const recovered = await ledger.recoverHolds({ policy: config.recovery, epoch, chargeFor })
  if (recovered.charged + recovered.released + recovered.rebuilt > 0)
    log.warn(recovered, 'settled what an earlier run left open')
  await ledger.expireGrants()

  const simulated = createSimulatedHost(app)
  const onError = (error: unknown): void => log.error({ error }, 'a snapshot could not be refreshed')
  const catalog = await createCatalog({
    storage,
    clock,
    vault,
    resolveSimulatedUrl: app.resolveSimulatedUrl,
    onError,
  })
  // The first look at the catalogue may have started the simulated provider; the second finds it.
  if (await simulated.justStarted()) await catalog.refresh()
  const keys = await createKeyVerifier({ storage, clock, onError })
  app.refreshWith(async () => {
    await Promise.all([keys.refresh(), catalog.catchUp()])
    if (await simulated.justStarted()) await catalog.refresh()
  })
  const limiter = createLimiter({ clock })
  const tokenCounter = createTokenCounter()
  const exchange = createExchange({
    clock,
    catalog,
    limiter,
    routing: app.routing,
    responses: createKeptResponses(storage),
    provider: catalog.provider,
    money: ledger,
    upstream,
    credentials: createCredentials({ upstream, clock, connectTimeoutMs: config.connectTimeoutMs }),
    sealer: app.stateSealer,
    countTokens: tokenCounter.count,
    epoch,
    config,
    onError: (error, fields) => log.error({ ...fields, code: error.code, error: error.cause ?? error }, error.message),
  })
  return {
    catalog,
    keys,
    exchange,
    async close(): Promise<void> {
      catalog.close()
      keys.close()
      await tokenCounter.close()
      await simulated.close()
    },
  }
}

export type Serving = Awaited<ReturnType<typeof createServing>>

/** Starts the simulated provider when the catalogue first asks for it: a gateway without one opens no port for it. */
const createSimulatedHost = (app: App) => {
  let running: ReturnType<typeof startSimulated> | null = null
  let url: string | null = null
  let told = false
  app.simulateAt(() => {
    running ??= startSimulated({ clock: app.clock }).then((server) => {
      url = server.url
      return server
    })
    return url
  })
  return {
    /** Whether it has begun to listen since the last time this was asked. */
    async justStarted(): Promise<boolean> {
      await running
      const news = running !== null && !told
      told = running !== null
      return news
    },
    async close(): Promise<void> {
      await (await running)?.close()
    },
  }
}
