import { parentPort, workerData } from 'node:worker_threads'
import { GatewayError } from '../kernel/errors.ts'
import type { CreateEngine } from './engine.ts'
import type { Reply, Request, WriterOptions } from './messages.ts'
import { prepareDatabases } from './migrate.ts'
import { isFatalCode, sqliteCode } from './sqlite-errors.ts'
import { toThreadError } from './thread-errors.ts'
import { createWriterDatabases } from './writer-databases.ts'
import type { WriterDatabases } from './writer-databases.ts'

/**
 * The writer thread: the only place that writes to the databases of this process. It serves one request at a time; while an interactive transaction is open,
 * everything else waits in `waiting`.
 */
const port = parentPort!
const options = workerData as WriterOptions

const waiting: Request[] = []
let open: { readonly transaction: number; readonly deadline: NodeJS.Timeout } | null = null
let fatal: Error | null = null

const send = (reply: Reply): void => port.postMessage(reply)

const fail = (error: unknown): void => {
  if (fatal !== null) return
  fatal = error instanceof Error ? error : new Error(String(error))
  send({ fatal: toThreadError(error) })
}

const checkpointEntry = new URL(
  `./checkpoint-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
)

const start = async (): Promise<WriterDatabases> => {
  prepareDatabases({ dataDir: options.dataDir, busyMs: options.busyMs, now: Date.now })
  const module = options.engine === null ? null : ((await import(options.engine)) as { createEngine: CreateEngine })
  // What only works on a database for a moment moves its own logs.
  const checkpointThread = options.journal === 'gather' ? checkpointEntry : null
  return createWriterDatabases({ ...options, createEngine: module?.createEngine ?? null, checkpointThread, fail })
}

const expire = (databases: WriterDatabases): void => {
  databases.rollback()
  open = null
  drain(databases)
}

const drain = (databases: WriterDatabases): void => {
  for (let next = nextWaiting(); next; next = nextWaiting()) answer(databases, next)
}

const nextWaiting = (): Request | undefined => (open === null ? waiting.shift() : undefined)

const notOpen = (): GatewayError => {
  const message = `The write took longer than ${options.maxTransactionMs} ms, or the database undid it. Nothing was changed.`
  return new GatewayError('storage_unavailable', message, { retryAfter: 1 })
}

const receive = (databases: WriterDatabases, request: Request): void => {
  const transaction = 'transaction' in request && request.kind !== 'begin' ? request.transaction : null
  if (open !== null && transaction !== open.transaction) {
    if (transaction === null) waiting.push(request)
    else send({ id: request.id, error: toThreadError(notOpen()) })
    return
  }
  answer(databases, request)
  drain(databases)
}

const answer = (databases: WriterDatabases, request: Request): void => {
  try {
    if (fatal !== null && request.kind !== 'close') throw fatal
    send({ id: request.id, value: serve(databases, request) })
    if (request.kind === 'close') port.close()
    else databases.afterReply()
  } catch (error) {
    const code = sqliteCode(error)
    if (code !== null && isFatalCode(code)) fail(error)
    send({ id: request.id, error: toThreadError(error) })
  }
}

const serve = (databases: WriterDatabases, request: Request): unknown => {
  switch (request.kind) {
    case 'batch':
      return JSON.stringify(databases.batch(request.commands, request.durable))
    case 'begin':
      databases.begin()
      open = {
        transaction: request.transaction,
        deadline: setTimeout(expire, options.maxTransactionMs, databases),
      }
      return null
    case 'barrier':
      databases.catchUp()
      return null
    case 'close':
      databases.close()
      return null
    case 'query':
    case 'command':
    case 'commit':
    case 'rollback':
      return serveTransaction(databases, request)
  }
}

const serveTransaction = (
  databases: WriterDatabases,
  request: Extract<Request, { kind: 'query' | 'command' | 'commit' | 'rollback' }>,
): unknown => {
  if (request.kind === 'rollback') {
    close()
    databases.rollback()
    return null
  }
  if (open === null || !databases.inTransaction()) {
    close()
    databases.rollback()
    throw notOpen()
  }
  if (request.kind === 'query') return databases.query(request.sql, request.parameters)
  if (request.kind === 'command') return databases.command(request.command)
  close()
  databases.commit()
  return null
}

const close = (): void => {
  if (open !== null) clearTimeout(open.deadline)
  open = null
}

try {
  const databases = await start()
  port.on('message', (request: Request) => receive(databases, request))
  send({ id: 0, value: null })
} catch (error) {
  send({ id: 0, error: toThreadError(error) })
  port.close()
}
