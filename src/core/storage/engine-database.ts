import type Database from 'better-sqlite3'
import type { EngineDatabase } from './engine.ts'

/** The engine's view of a connection: prepare, get, all, run. */
export const engineDatabase = (db: Database.Database): EngineDatabase => ({
  prepare(sql) {
    const statement = db.prepare(sql)
    return {
      get: (...parameters) => statement.get(...parameters),
      all: (...parameters) => statement.all(...parameters),
      run: (...parameters) => statement.run(...parameters).changes,
    }
  },
})
