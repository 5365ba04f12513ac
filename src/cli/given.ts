import { GatewayError } from '../core/kernel/errors.ts'
import { parseCredits } from '../core/kernel/money.ts'
import { parseTime } from '../core/kernel/time-range.ts'

const usage = (message: string, hint?: string): GatewayError =>
  new GatewayError('usage_error', message, hint ? { hint } : {})

const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** Commander's name of an option. */
const camel = (name: string): string => name.replaceAll(/-([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase())

/**
 * What stands on one command line, read with types. Everything wrong is a `usage_error` (exit 2) that names the argument or option. Options are named as on the
 * command line without dashes: `quota-credits`.
 */
export class Given {
  readonly #args: Readonly<Record<string, unknown>>
  readonly #options: Readonly<Record<string, unknown>>

  constructor(args: Readonly<Record<string, unknown>>, options: Readonly<Record<string, unknown>>) {
    this.#args = args
    this.#options = options
  }

  arg(name: string): string {
    const value = this.#args[name]
    if (typeof value !== 'string' || value === '') throw usage(`<${name}> must not be empty.`)
    return value
  }

  /** A decimal amount of credits. `signed` allows minus and a leading plus. */
  amount(name: string, signed = false): string {
    const text = this.arg(name).replace(signed ? /^\+/ : /^$/, '')
    return this.#money(text, `<${name}>`, signed)
  }

  has(name: string): boolean {
    return this.#option(name) !== undefined
  }

  flag(name: string): boolean {
    return this.#option(name) === true
  }

  /** Whether `--no-<name>` was given. */
  off(name: string): boolean {
    return this.#option(name) === false
  }

  text(name: string): string | undefined {
    const value = this.#option(name)
    if (value === undefined) return undefined
    if (typeof value !== 'string' || value === '') throw usage(`--${name} must not be empty.`)
    return value
  }

  required(name: string): string {
    const value = this.text(name)
    if (value === undefined) throw usage(`--${name} is needed.`)
    return value
  }

  choice<Value extends string>(name: string, values: readonly Value[]): Value | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const found = values.find((one) => one === value)
    if (found === undefined) throw usage(`--${name} must be one of ${values.join(', ')}.`)
    return found
  }

  integer(name: string, min = 1): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
    if (!Number.isSafeInteger(number) || number < min)
      throw usage(`--${name} must be a whole number of at least ${min}.`)
    return number
  }

  /** A decimal amount of credits, zero or more. */
  credits(name: string): string | undefined {
    const text = this.text(name)
    return text === undefined ? undefined : this.#money(text, `--${name}`, false)
  }

  /** The same line without some options. */
  without(names: readonly string[]): Given {
    const dropped = new Set(names.map(camel))
    return new Given(
      this.#args,
      Object.fromEntries(Object.entries(this.#options).filter(([name]) => !dropped.has(name))),
    )
  }

  /** Values of an option that may be repeated or separated by commas. */
  list(name: string): string[] | undefined {
    const value = this.#option(name)
    if (value === undefined) return undefined
    const items = (Array.isArray(value) ? value : [value])
      .flatMap((item) => String(item).split(','))
      .map((item) => item.trim())
    if (items.includes('')) throw usage(`--${name} has an empty entry.`)
    return items
  }

  /** Repeated values taken as they are. */
  each(name: string): string[] {
    const value = this.#option(name)
    return value === undefined ? [] : (Array.isArray(value) ? value : [value]).map(String)
  }

  /** `k=v` pairs of an option that may be repeated. */
  pairs(name: string): Record<string, string> | undefined {
    if (!this.has(name)) return undefined
    const entries = this.each(name).map((pair) => {
      const split = pair.indexOf('=')
      if (split < 1) throw usage(`--${name} takes name=value, not "${pair.slice(0, 60)}".`)
      return [pair.slice(0, split), pair.slice(split + 1)] as const
    })
    return Object.fromEntries(entries)
  }

  /** Seconds from `90s`, `30m`, `1h`, `7d`. */
  duration(name: string): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const match = /^(\d{1,6})([smhdw])$/.exec(text)
    if (!match) throw usage(`--${name} takes a time such as 30m, 1h or 7d.`)
    return Number(match[1]) * seconds[match[2]!]!
  }

  /** A time to come as RFC 3339: from a duration (`30d`), a date (its first moment in UTC) or a full time. */
  moment(name: string, now: number): string | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    if (/^\d{1,6}[smhdw]$/.test(text)) {
      const time = new Date(now + this.duration(name)! * 1000)
      if (Number.isNaN(time.getTime()) || time.getUTCFullYear() > 9999) throw usage(`--${name} is too far away.`)
      return time.toISOString()
    }
    try {
      return new Date(parseTime(text, `--${name}`, now)).toISOString()
    } catch {
      throw usage(`--${name} takes a time such as 30d, 2027-01-31 or 2027-01-31T12:00:00Z.`)
    }
  }

  /** JSON text of an option or argument as a value. */
  json(label: string, text: string): unknown {
    try {
      return JSON.parse(text) as unknown
    } catch {
      throw usage(`${label} is not valid JSON.`)
    }
  }

  #option(name: string): unknown {
    return this.#options[camel(name)]
  }

  #money(text: string, label: string, signed: boolean): string {
    if (!signed && text.startsWith('-')) throw usage(`${label} must not be negative.`)
    try {
      parseCredits(text, label)
    } catch (error) {
      throw usage(error instanceof Error ? error.message : String(error))
    }
    return text
  }
}

/** Leaves out what was not given. */
export const given = <Values extends Record<string, unknown>>(
  values: Values,
): { [Name in keyof Values]?: Exclude<Values[Name], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Values]?: Exclude<Values[Name], undefined>
  }
