import { GatewayError } from '../../../src/core/kernel/errors.ts'
import type { CreateEngine } from '../../../src/core/storage/engine.ts'

/** An engine for tests of storage: does what the command says. */
export const createEngine: CreateEngine = ({ gateway }) => {
  const insert = gateway.prepare(`insert into idempotency (id, input_hash, output, created_at) values (?, 'h', ?, 1)`)
  return {
    run(command) {
      const [verb, id] = String(command).split(' ')
      switch (verb) {
        case 'write':
          insert.run(id!, 'o')
          return command
        case 'fill':
          insert.run(id!, 'x'.repeat(50_000))
          return command
        case 'refuse':
          throw new GatewayError('not_found')
        case 'break':
          insert.run('half', 'o')
          throw new Error('broken half-way')
        case 'fsync':
          throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' })
        case 'die':
          process.exit(1)
          return null
        default:
          return command
      }
    },
    flush() {},
    reset() {},
    writeRecords() {},
  }
}
