import { describe, expect, test } from 'vitest'
import { parseTime } from './time-range.ts'

const now = Date.UTC(2026, 5, 15, 12)

describe('a time as people give it', () => {
  test.each([
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
    ['2026-01-31T10:20:30Z', '2026-01-31T10:20:30.000Z'],
    ['2026-01-31T10:20', '2026-01-31T10:20:00.000Z'],
    ['2026-01-31t10:20:30.25z', '2026-01-31T10:20:30.250Z'],
    ['2026-01-31T10:20:30+14:00', '2026-01-30T20:20:30.000Z'],
    ['2026-06-30T23:59:60Z', '2026-06-30T23:59:59.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['24h', '2026-06-14T12:00:00.000Z'],
    ['7d', '2026-06-08T12:00:00.000Z'],
    ['90s', '2026-06-15T11:58:30.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(new Date(parseTime(text, 'from', now)).toISOString()).toBe(expected)
  })

  test.each([
    '',
    'yesterday',
    '2026-02-30',
    '2026-13-01',
    '0000-01-01',
    '9999-01-01',
    '1767225600',
    '1767225600000',
    '2026-01-01T25:00:00Z',
    '-7d',
    '7',
    '1e3d',
    '2026-1-1',
  ])('%s is refused with the name of the field', (text) => {
    expect(() => parseTime(text, 'from', now)).toThrow(
      expect.objectContaining({ code: 'invalid_request', details: expect.objectContaining({ param: 'from' }) }),
    )
  })
})
