import { createApp } from '../core/app.ts'
import type { Config } from '../core/config/config.ts'
import type { LoadedConfig } from '../core/config/load.ts'
import { prepareDataDir } from '../core/config/data-dir.ts'
import { createBootstrap } from '../core/identity/bootstrap.ts'
import { exitCode, type GatewayError } from '../core/kernel/errors.ts'
import { createServing } from '../core/serving.ts'
import { daemonLock } from '../core/storage/lock.ts'
import { createDrain } from './drain.ts'
import { createListeners } from './listeners.ts'
import { createLog } from './logging.ts'

export interface DaemonOptions {
  /** One JSON object per line on stdout instead of sentences. */
  readonly json: boolean
  readonly stdout: (line: string) => void
  readonly origins?: LoadedConfig['origins']
}

export interface Daemon {
  readonly url: string
  /** One-time code for the first admin; null when there is one. To be shown to whoever started the daemon, and to no log. */
  readonly bootstrapCode: string | null
  /** Resolves to the exit code when everything is settled, written and closed. */
  readonly stopped: Promise<number>
  /** As SIGTERM: drains and stops. A second call stops at once. */
  stop(): void
}

/** How often what expires is looked at. */
const sweepMs = 30_000

/** Starts the daemon on a data directory: takes its lock, opens the database, settles what an earlier run left open, and listens. */
export const startDaemon = async (config: Config, options: DaemonOptions): Promise<Daemon> => {
  prepareDataDir(config.dataDir)
  const lock = daemonLock(config.dataDir)
  const { log, close: closeLog } = createLog(config)
  const undo: (() => unknown)[] = [() => lock.release(), closeLog]
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step()
  }
  try {
    const app = await createApp(config, { mode: 'daemon', ...(options.origins && { origins: options.origins }) })
    undo.push(() => app.close())
    const loss = await app.system.requestLogLoss()
    if (loss !== null) log.warn({}, loss)
    const serving = await createServing(app, log)
    undo.push(() => serving.close())

    const drain = createDrain({ exchange: serving.exchange, timeoutMs: config.drainTimeoutMs })
    const bootstrap = await createBootstrap(app)
    const listeners = await createListeners({ app, serving, log, bootstrap, draining: () => drain.draining })
    undo.push(() => listeners.close())
    app.announce(listeners.url)

    const sweep = setInterval(() => {
      app.ledger
        .expireGrants()
        .catch((error: unknown) => log.error({ error }, 'expired grants could not be taken back'))
    }, sweepMs).unref()
    undo.push(() => clearInterval(sweep))

    let fatal: GatewayError | null = null
    app.storage.onFatal((error) => {
      fatal = error
      log.fatal(
        { error: error.cause ?? error, code: error.code },
        'storage cannot go on; the daemon stops, start it again',
      )
      drain.now()
    })
    const unlisten = onSignals(() => drain.start())
    undo.push(unlisten)

    const stopped = drain.done.then(async () => {
      log.info({}, 'stopped')
      await close()
      return fatal ? exitCode.io : exitCode.done
    })
    log.info({ url: listeners.url, pid: process.pid }, 'listening')
    options.stdout(
      options.json
        ? JSON.stringify({ event: 'listening', url: listeners.url, pid: process.pid })
        : `gateway listening on ${listeners.url}`,
    )
    return { url: listeners.url, bootstrapCode: bootstrap.code, stopped, stop: () => drain.start() }
  } catch (error) {
    await close()
    throw error
  }
}

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

const onSignals = (stop: () => void): (() => void) => {
  for (const signal of signals) process.on(signal, stop)
  return () => {
    for (const signal of signals) process.off(signal, stop)
  }
}
