import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { openJournal } from './journal.ts'

const directory = mkdtempSync(join(tmpdir(), 'tollgate-journal-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

let file: string
let number = 0
beforeEach(() => {
  file = join(directory, `${number++}.journal`)
})

const batches = ['[1]', '["two, with a\\nline"]', '["drei: ä, €, 🙂"]', '[]']

const write = (): number[] => {
  const journal = openJournal(file, 0)
  const ends = batches.map((batch) => {
    journal.append(batch)
    return statSync(file).size
  })
  journal.close()
  return ends
}
const read = (applied = 0): string[] => {
  const journal = openJournal(file, applied)
  const found = journal.after(applied).map(({ batch }) => batch)
  journal.close()
  return found
}

describe('what was answered is read back', () => {
  test('all of it, in order, or what is newer than the tables', () => {
    write()
    expect(read()).toEqual(batches)
    expect(read(2)).toEqual(batches.slice(2))
    expect(read(4)).toEqual([])
  })

  test('a file that ends anywhere gives the batches that are whole', () => {
    const ends = write()
    for (let size = ends.at(-1)!; size >= 0; size--) {
      truncateSync(file, size)
      expect(read(), `${size} bytes`).toEqual(batches.slice(0, ends.filter((end) => end <= size).length))
    }
  })

  test('a damaged line with whole ones behind it is refused: nothing that was answered is forgotten silently', () => {
    const ends = write()
    const bytes = readFileSync(file)
    bytes[ends[1]! - 4] = 0
    writeFileSync(file, bytes)
    expect(read).toThrow(expect.objectContaining({ code: 'database_refused' }))
  })

  test('sequences go on after the file was emptied and opened again', () => {
    write()
    const journal = openJournal(file, 0)
    expect(journal.last).toBe(4)
    journal.clear()
    expect([journal.size, statSync(file).size]).toEqual([0, 0])
    journal.append('[5]')
    journal.close()
    const again = openJournal(file, 4)
    expect(again.after(4)).toEqual([{ sequence: 5, batch: '[5]' }])
    again.close()
  })
})

describe('a batch that cannot be written whole', () => {
  const failing = (bytes: number, code: string) => {
    let left = Number.POSITIVE_INFINITY
    return {
      strike: () => (left = bytes),
      mend: () => (left = Number.POSITIVE_INFINITY),
      write: (fd: number, line: Buffer, from: number): number => {
        if (left <= 0) throw Object.assign(new Error(code), { code })
        const written = writeSync(fd, line, from, Math.min(line.length - from, left))
        left -= written
        return written
      },
    }
  }

  test.each([
    ['ENOSPC', 'SQLITE_FULL'],
    ['EDQUOT', 'SQLITE_FULL'],
    ['EIO', 'SQLITE_IOERR_WRITE'],
  ])('%s is %s, leaves nothing, and the next batch is read', (code, known) => {
    for (const bytes of [0, 1, 5, 8]) {
      const disk = failing(bytes, code)
      const journal = openJournal(file, 0, disk.write)
      journal.append('["first"]')
      const before = readFileSync(file, 'utf8')
      disk.strike()
      expect(() => journal.append('["lost"]')).toThrow(expect.objectContaining({ code: known }))
      expect(readFileSync(file, 'utf8')).toBe(before)
      disk.mend()
      journal.append('["second"]')
      expect(journal.after(0)).toEqual([
        { sequence: 1, batch: '["first"]' },
        { sequence: 2, batch: '["second"]' },
      ])
      journal.clear()
      journal.close()
    }
  })
})
