import { GatewayError } from './errors.ts'

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
const absolute = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/i
const relative = /^(\d{1,6})([smhdw])$/
const year2000 = Date.UTC(2000, 0, 1)
const year2100 = Date.UTC(2100, 0, 1)

/**
 * A time as people give it: RFC 3339, a date (its first moment in UTC), a local time without zone (taken as UTC), or how long ago (`90s`, `30m`, `24h`, `7d`,
 * `2w`). Milliseconds since the epoch. Throws `invalid_request` for days that do not exist and for times outside 2000 to 2100.
 */
export const parseTime = (text: string, field: string, now: number): number => {
  const wrong = (why: string): GatewayError =>
    new GatewayError(
      'invalid_request',
      `${field}: ${why} Write 2026-01-31, 2026-01-31T12:00:00Z, or how long ago: 24h, 7d.`,
      { param: field },
    )
  const ago = relative.exec(text)
  if (ago) return Math.max(year2000, now - Number(ago[1]) * units[ago[2]!]!)
  const match = absolute.exec(text)
  if (!match) throw wrong(`"${text.slice(0, 40)}" is not a time.`)
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = match
  // A leap second is the last moment of its minute.
  const time = Date.parse(
    `${year}-${month}-${day}T${hour}:${minute}:${second === '60' ? '59' : second}${fraction.slice(0, 4)}${zone.toUpperCase()}`,
  )
  const midnight = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  if (Number.isNaN(time) || midnight.getUTCDate() !== Number(day) || midnight.getUTCMonth() !== Number(month) - 1) {
    throw wrong(`"${text}" does not exist.`)
  }
  if (time < year2000 || time >= year2100) throw wrong('the time must lie between 2000 and 2100.')
  return time
}
