import { z } from 'zod'

/** Fields that inputs of many operations share: one place decides what a time, an amount, a name looks like. */

/** RFC 3339 with a time zone. Calendar nonsense (30 February, second 60) is refused. */
export const timestampField = z.iso
  .datetime({ offset: true, error: 'Write a time as RFC 3339, for example 2027-01-31T00:00:00Z.' })
  .max(40)

const decimal = /^\d{1,16}(\.\d{1,9})?$/
const zero = /^-?0+(\.0+)?$/
const howToWrite = 'Write credits as a decimal string such as "12.5", with at most nine decimals.'

/** An amount of credits, zero or more, as a decimal string. The upper bound is checked by `parseCredits`. */
export const creditsField = z.string().max(40).regex(decimal, howToWrite)

export const positiveCreditsField = creditsField.refine(
  (text) => !zero.test(text),
  'The amount must be more than zero.',
)

/** Plus gives, minus takes: "12.5", "-3". */
export const signedCreditsField = z
  .string()
  .max(40)
  .regex(/^[+-]?\d{1,16}(\.\d{1,9})?$/, howToWrite)
  .refine((text) => !zero.test(text.replace('+', '')), 'The amount must not be zero.')

/** Control characters, line and paragraph separators, marks that turn the direction of text, zero-width characters: nothing a name or note may hold. */
const invisible = /[\p{Cc}\p{Cs}\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/u

/** One line of text for people: trimmed, not empty, nothing invisible. */
export const textField = (max: number) =>
  z
    .string()
    .max(max)
    .refine((text) => !invisible.test(text), 'Control and invisible characters are not allowed.')
    .refine((text) => text.trim() !== '', 'This must not be blank.')

/** How an operation names a thing that exists: its id, its name, or for users the e-mail address. */
export const referenceField = z.string().min(1).max(256)
