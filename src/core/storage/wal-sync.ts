import { closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs'

export interface WalSync {
  /** Something was committed without fsync. */
  wrote(): void
  /** SQLite has just synced the log itself. */
  synced(): void
  /** Returns when everything written before is on disk; throws SQLITE_IOERR_FSYNC. */
  now(): void
  close(): void
}

/**
 * Brings holds and settlements to disk within `delayMs` of their write (plus the fsync itself): an fsync of the journal or the write-ahead log from the thread pool,
 * while the writer goes on. It covers every write before it, whoever wrote it. Neither file carries locks, so a second descriptor does no harm (the database file's
 * own would). A failure is fatal: the kernel reports it once and then forgets the pages.
 */
export const createWalSync = (
  file: string,
  delayMs: number,
  fail: (error: unknown) => void,
  onSynced: () => void = () => {},
): WalSync => {
  let fd: number | null = null
  let dirty = false
  let running = false
  let closed = false
  let timer: NodeJS.Timeout | null = null

  const release = (): void => {
    if (fd !== null) closeSync(fd)
    fd = null
  }
  const sync = (): void => {
    timer = null
    if (!dirty || running || closed) return
    dirty = false
    running = true
    fd ??= openSync(file, 'r+')
    fdatasync(fd, (error) => {
      running = false
      if (error) fail(failed(error))
      else if (!dirty) onSynced()
      if (closed) release()
      else if (dirty) plan()
    })
  }
  const plan = (): void => {
    timer ??= setTimeout(sync, delayMs)
  }
  return {
    wrote() {
      dirty = true
      if (!running) plan()
    },
    synced() {
      dirty = false
    },
    now() {
      dirty = false
      fd ??= openSync(file, 'r+')
      try {
        fdatasyncSync(fd)
      } catch (error) {
        throw failed(error)
      }
    },
    close() {
      closed = true
      if (timer !== null) clearTimeout(timer)
      if (!running) release()
    },
  }
}

/** In the words of SQLite, after which nothing is written any more. */
const failed = (cause: unknown): Error =>
  Object.assign(new Error('what was written could not be brought to disk', { cause }), { code: 'SQLITE_IOERR_FSYNC' })
