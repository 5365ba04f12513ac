import { describe, expect, test } from 'vitest'
import { renderError } from './render-error.ts'
import { runCli } from '../../test/support/run-cli.ts'
import { safe, safeLines } from './text.ts'

const user = {
  id: 'usr_1',
  email: 'ada@example.com',
  name: 'A\u001b]52;c;AAAA\u0007da\u001b[2J\r\n\u202eevil',
  role: 'user',
  status: 'active',
  status_reason: null,
  balance: { available: '7.5', held: '0' },
  created_at: '2026-11-21T09:00:00.000Z',
  updated_at: '2026-11-21T09:00:00.000Z',
}

describe('lists', () => {
  const page = () => ({ data: [user], next_cursor: null })
  test('are aligned on a terminal, without control characters', async () => {
    const { out } = await runCli(['users', 'list'], { terminal: true, answer: page })
    expect(out.split('\n')).toEqual([
      'E-MAIL           NAME      ROLE  STATUS  AVAILABLE  HELD  CREATED     ID',
      'ada@example.com  Ada evil  user  active        7.5     0  2026-11-21  usr_1',
      '',
    ])
  })
  test('are separated by tabs elsewhere', async () => {
    const { out } = await runCli(['users', 'list'], { answer: page })
    expect(out.split('\n')[1]).toBe('ada@example.com\tAda evil\tuser\tactive\t7.5\t0\t2026-11-21\tusr_1')
  })
  test.each([
    ['users list', 'No users yet. Create one: gateway users create ada@example.com'],
    ['users list --all', 'No users yet. Create one: gateway users create ada@example.com'],
    ['users list --limit 3', 'No users yet. Create one: gateway users create ada@example.com'],
    ['users list --search nobody', 'Nothing matches --search nobody.'],
    ['users list --search nobody --all', 'Nothing matches --search nobody.'],
    ['keys list --user a@b.c --status revoked', 'Nothing matches --user a@b.c and --status revoked.'],
    ['usage list --from 7d', 'Nothing matches --from 7d.'],
    ['users list --cursor abc', 'There is nothing after this cursor.'],
  ])('that are empty say whether there is nothing or nothing that matches: %s', async (line, said) => {
    const { out } = await runCli(line.split(' '), { answer: () => ({ data: [], next_cursor: null }) })
    expect(out).toBe(`${said}\n`)
  })
  test('are the operation’s own answer with --json', async () => {
    const { out } = await runCli(['users', 'list', '--json'], { answer: page })
    expect(JSON.parse(out)).toEqual(page())
  })
  test('say so when they are empty, and what to do next', async () => {
    expect((await runCli(['users', 'list'], { answer: () => ({ data: [], next_cursor: null }) })).out).toContain(
      'gateway users create',
    )
  })
  test('go on over several pages up to the limit, or to the end with --all', async () => {
    const total = 1203
    const answer = ({ input }: { input: unknown }) => {
      const { limit, cursor = '0' } = input as { limit: number; cursor?: string }
      const rows = Array.from({ length: Math.min(limit, total - Number(cursor)) }, (_, index) => ({
        ...user,
        id: String(Number(cursor) + index),
      }))
      const next = Number(cursor) + rows.length
      return { data: rows, next_cursor: next < total ? String(next) : null }
    }
    const limited = JSON.parse((await runCli(['users', 'list', '--limit', '700', '--json'], { answer })).out) as {
      data: object[]
      next_cursor: string
    }
    expect([limited.data.length, limited.next_cursor]).toEqual([700, '700'])
    const all = JSON.parse((await runCli(['users', 'list', '--all', '--json'], { answer })).out) as {
      data: { id: string }[]
      next_cursor: null
    }
    expect(all.data.map(({ id }) => Number(id))).toEqual(Array.from({ length: total }, (_, index) => index))
    expect((await runCli(['users', 'list', '--limit', '3'], { answer })).err).toContain('--cursor 3')
  })
})

describe('text from outside', () => {
  test.each([
    ['a\u001b[2Jb', 'ab'],
    ['a\u001b]0;title\u0007b', 'ab'],
    ['a\u009b31mb', 'ab'],
    ['a\tb\nc\rd', 'a b c d'],
    ['\u202eabc\u2066', 'abc'],
    ['e' + '\u0301'.repeat(200), 'e' + '\u0301'.repeat(4)],
    ['Zoë 名前 🙂', 'Zoë 名前 🙂'],
  ])('%j is shown as %j', (given, shown) => expect(safe(given)).toBe(shown))
  test('is bounded', () => expect(safe('x'.repeat(100_000))).toHaveLength(400))
  test('of several lines keeps its lines', () => expect(safeLines('a\r\nb\u001b[31m\tc\u0000')).toBe('a\nb\tc'))
})

describe('exit codes that look at the answer', () => {
  test.each([
    [
      'credits verify',
      { ok: false, accounts: 1, transfers: 2, holds_open: 0, problems: ['acc_1: balance 3, sum 4'] },
      'acc_1: balance 3, sum 4',
    ],
    ['db check', { ok: false, problems: ['page 3'], duration_ms: 2 }, 'page 3'],
    [
      'providers test o',
      { ok: false, provider: 'o', key: null, message: 'refused', latency_ms: 1, models: null },
      'refused',
    ],
  ])('%s is 1 when something is wrong, and names it', async (line, body, named) => {
    const { code, out } = await runCli(line.split(' '), { answer: () => body })
    expect(code).toBe(1)
    expect(out).toContain(named)
  })
})

test('an unknown error is a bug: 70, one sentence, the rest with --verbose', () => {
  let err = ''
  const io = {
    out: () => undefined,
    err: (text: string) => void (err += text),
    outIsTerminal: false,
    canAsk: false,
    colour: false,
    readAll: () => Promise.resolve(''),
  }
  expect(renderError(io, new TypeError('x is not a function'), { json: false, verbose: false })).toBe(70)
  expect(err).toBe(
    'gateway: Something broke in this program: x is not a function\n  This is a bug. Run the command again with --verbose and report what it shows.\n',
  )
})
