import { describe, expect, test } from 'vitest'
import { scanObject } from '../protocols/json-scan.ts'
import { stickyHash } from './sticky.ts'

const hash = (body: object, headers: Record<string, string> = {}): number =>
  stickyHash(scanObject(Buffer.from(JSON.stringify(body))), headers)
const long = 'You are a helpful assistant. '.repeat(200)
const turns = (...texts: string[]) => texts.map((content) => ({ role: 'user', content }))

describe('what keeps a prompt at its key', () => {
  test('the turns of one conversation go together, and two conversations apart', () => {
    const first = hash({ messages: turns(long) })
    expect(first).not.toBe(0)
    expect(hash({ temperature: 1, messages: turns(long, 'and then?', 'and then?') })).toBe(first)
    expect(hash({ messages: turns(`Other. ${long}`) })).not.toBe(first)
  })

  test('a long system prompt goes before what is said', () => {
    expect(hash({ system: long, messages: turns('a') })).toBe(hash({ system: long, messages: turns('b') }))
  })

  test('a session that the client names goes before both', () => {
    const named = hash({ messages: turns(long) }, { 'x-session-id': 's1' })
    expect(named).toBe(hash({ messages: turns('short') }, { 'x-session-id': 's1' }))
    expect(named).not.toBe(hash({ messages: turns(long) }))
    expect(hash({ prompt_cache_key: 'k', messages: turns('a') })).toBe(
      hash({ messages: turns('b'), prompt_cache_key: 'k' }),
    )
  })

  test('a prompt that no provider would remember has no preference', () => {
    expect(hash({ messages: turns('Hello') })).toBe(0)
    expect(hash({ input: 'x' })).toBe(0)
  })
})
