import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { GatewayError } from '../kernel/errors.ts'

/**
 * An append-only file of batches that were answered but whose transaction is still open. A `write` survives the death of the process, so that commands can be answered
 * at once and their rows committed many at a time; the next start runs what the databases do not hold yet. One line per batch: sequence, length, CRC-32, JSON.
 */
export interface Journal {
  /** Sequence of the newest batch. */
  readonly last: number
  /** Bytes in the file. */
  readonly size: number
  /** Throws SQLITE_FULL or SQLITE_IOERR_WRITE when the batch could not be written whole; nothing of it is ever read then. */
  append(batch: string): void
  /** Batches newer than `applied`, oldest first. A torn last line, as a power cut leaves it, was never answered. */
  after(applied: number): JournalEntry[]
  /** Forgets everything: the databases hold it, on disk. */
  clear(): void
  close(): void
}

export interface JournalEntry {
  readonly sequence: number
  readonly batch: string
}

/** Writes bytes at the end of a file; returns how many. */
export type WriteBytes = (fd: number, bytes: Buffer, from: number) => number

/** A failure in the words of SQLite, so that everything above treats a full disk alike, whichever file met it. */
const trouble = (error: unknown): Error => {
  const full = error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
  return Object.assign(new Error('the journal could not be written', { cause: error }), {
    code: full ? 'SQLITE_FULL' : 'SQLITE_IOERR_WRITE',
  })
}

/** `applied`: sequence of the newest batch that the databases hold. */
export const openJournal = (file: string, applied: number, write: WriteBytes = writeSync): Journal => {
  const fd = openSync(file, 'a+', 0o600)
  let size = fstatSync(fd).size
  let last = applied
  for (const { sequence } of parse(readFileSync(file, 'utf8'))) last = Math.max(last, sequence)
  /** Part of a batch that was refused may still be at the end: whatever follows it could not be read. */
  let torn = false
  const mend = (): void => {
    ftruncateSync(fd, size)
    torn = false
  }
  return {
    get last() {
      return last
    },
    get size() {
      return size
    },
    append(batch) {
      const line = Buffer.from(`${last + 1} ${batch.length} ${crc32(batch)} ${batch}\n`)
      try {
        if (torn) mend()
        torn = true
        for (let at = 0; at < line.length;) at += write(fd, line, at)
        torn = false
      } catch (error) {
        try {
          mend()
        } catch {
          // Before the next batch, then.
        }
        throw trouble(error)
      }
      last++
      size += line.length
    },
    after: (from) => (size === 0 ? [] : parse(readFileSync(file, 'utf8')).filter(({ sequence }) => sequence > from)),
    clear() {
      if (size > 0 || torn) ftruncateSync(fd, 0)
      size = 0
      torn = false
    },
    close: () => closeSync(fd),
  }
}

/**
 * The entries of a journal. A power cut may tear its end: what is behind the last whole line was never synced and is left out. Whole lines behind a damaged one
 * are something else: that file is refused, because to go on would forget what was answered.
 */
const parse = (text: string): JournalEntry[] => {
  const entries: JournalEntry[] = []
  let at = 0
  for (let line = readLine(text, at); line !== null; line = readLine(text, at)) {
    entries.push(line.entry)
    at = line.end
  }
  for (let next = text.indexOf('\n', at); next !== -1; next = text.indexOf('\n', next + 1)) {
    if (readLine(text, next + 1) !== null) throw damaged()
  }
  return entries
}

/** The whole line that begins at `at`: sequence, length, checksum, batch. Null when it is not one. */
const readLine = (text: string, at: number): { readonly entry: JournalEntry; readonly end: number } | null => {
  const head = /^(\d+) (\d+) (\d+) /.exec(text.slice(at, at + 64))
  if (!head) return null
  const from = at + head[0].length
  const end = from + Number(head[2])
  if (text[end] !== '\n') return null
  const batch = text.slice(from, end)
  return crc32(batch) === Number(head[3]) ? { entry: { sequence: Number(head[1]), batch }, end: end + 1 } : null
}

const damaged = (): GatewayError =>
  new GatewayError(
    'database_refused',
    'ledger.journal is damaged: whole batches stand behind one that cannot be read.',
    {
      hint: 'Restore the data directory from a backup. To go on without what the journal held, move the file away.',
    },
  )
