import { userInfo } from 'node:os'
import type { Config } from '../core/config/config.ts'
import { prepareDataDir } from '../core/config/data-dir.ts'
import { GatewayError } from '../core/kernel/errors.ts'
import type { AdminClient } from './client.ts'

/**
 * The same operations in this process, on the database itself. Opened at the first call; a directory without a database is only given one by an operation that
 * writes, so that a wrong --data does not look like an empty gateway.
 */
export const createDirectClient = (config: Config, exists: boolean, note: (message: string) => void): AdminClient => {
  const open = async () => {
    const { createApp } = await import('../core/app.ts')
    prepareDataDir(config.dataDir)
    return createApp(config, { mode: 'direct' })
  }
  let app: ReturnType<typeof open> | undefined
  return {
    via: 'direct',
    where: config.dataDir,
    async call(operation, input, options) {
      const { operations, runOperation } = await import('../core/operations.ts')
      const known = operations.find(({ id }) => id === operation)
      if (!exists && known?.method === 'GET') {
        throw new GatewayError('storage_unavailable', `There is no gateway in ${config.dataDir}.`, {
          hint: 'Make one with "gateway init", or name its data directory with --data.',
        })
      }
      const isFirst = !app
      app ??= open()
      const opened = await app
      if (isFirst && !exists) note(`Made a new gateway in ${config.dataDir}.`)
      const loss = isFirst ? await opened.system.requestLogLoss() : null
      if (loss !== null) note(loss)
      return runOperation(opened, { id: `local:${userName()}`, role: 'admin' }, operation, input, options)
    },
    close: async () => {
      if (app)
        await app.then(
          (opened) => opened.close(),
          () => undefined,
        )
    },
  }
}

const userName = (): string => {
  try {
    return userInfo().username
  } catch {
    // A user id without a name, as in containers.
    return String(process.getuid?.() ?? 'unknown')
  }
}
