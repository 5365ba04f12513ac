import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type Database from 'better-sqlite3'
import { GatewayError } from '../kernel/errors.ts'
import { createStatementCache, databaseFiles, openConnection, runQuery } from './connection.ts'
import type { DatabaseName, StatementCache } from './connection.ts'
import type { ReaderOptions, Reply, Request } from './messages.ts'
import { toThreadError } from './thread-errors.ts'

/** The reader thread: read-only connections. A transaction (a report that must see one moment) has a connection of its own. */
const port = parentPort!
const options = workerData as ReaderOptions

interface Reading {
  readonly db: Database.Database
  readonly cache: StatementCache
}

const open = (name: DatabaseName): Reading => {
  const db = openConnection(join(options.dataDir, databaseFiles[name]), { readonly: true, busyMs: options.busyMs })
  return { db, cache: createStatementCache(db) }
}

const shared = new Map<DatabaseName, Reading>()
const transactions = new Map<number, Reading>()

const sharedReading = (name: DatabaseName): Reading => {
  const known = shared.get(name)
  if (known) return known
  const made = open(name)
  shared.set(name, made)
  return made
}

const serve = (request: Request): unknown => {
  switch (request.kind) {
    case 'query': {
      const reading =
        request.transaction === null ? sharedReading(request.database) : transactions.get(request.transaction)
      if (!reading) throw new GatewayError('internal_error', 'this read transaction has ended')
      return runQuery(reading.cache, request.sql, request.parameters)
    }
    case 'begin': {
      const reading = open(request.database)
      transactions.set(request.transaction, reading)
      reading.db.exec('begin')
      return null
    }
    case 'commit':
    case 'rollback':
      transactions.get(request.transaction)?.db.close()
      transactions.delete(request.transaction)
      return null
    case 'close':
      for (const { db } of [...shared.values(), ...transactions.values()]) db.close()
      return null
    case 'batch':
    case 'command':
    case 'barrier':
      throw new GatewayError('internal_error', `the reader cannot serve ${request.kind}`)
  }
}

port.on('message', (request: Request) => {
  let reply: Reply
  try {
    reply = { id: request.id, value: serve(request) }
  } catch (error) {
    reply = { id: request.id, error: toThreadError(error) }
  }
  port.postMessage(reply)
  if (request.kind === 'close') port.close()
})
port.postMessage({ id: 0, value: null } satisfies Reply)
