import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'

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

const parse = (text: string): JournalEntry[] => {
  const entries: JournalEntry[] = []
  for (let at = 0; at < text.length;) {
    const first = text.indexOf(' ', at)
    const second = text.indexOf(' ', first + 1)
    const length = Number(text.slice(first + 1, second))
    const third = text.indexOf(' ', second + 1)
    const end = third + 1 + length
    if (first === -1 || second === -1 || third === -1 || !Number.isSafeInteger(length) || text[end] !== '\n') break
    const batch = text.slice(third + 1, end)
    if (crc32(batch) !== Number(text.slice(second + 1, third))) break
    entries.push({ sequence: Number(text.slice(at, first)), batch })
    at = end + 1
  }
  return entries
}
