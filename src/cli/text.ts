import { stripVTControlCharacters, styleText } from 'node:util'

/** Control characters, marks that turn the direction of text, and line separators: what could move the cursor or disguise a line. */
// oxlint-disable-next-line no-control-regex -- they are exactly what this removes
const harmful = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

const longest = 400

/** Text from outside made safe to show to a person: no escape sequences, no control characters, bounded, with combining marks that do not pile up. */
export const safe = (text: string): string => {
  const clean = stripVTControlCharacters(text.length > 10_000 ? text.slice(0, 10_000) : text)
    .replace(/\s+/g, ' ')
    .replace(harmful, '')
    .replace(/(\p{M}{4})\p{M}+/gu, '$1')
  return clean.length > longest ? `${clean.slice(0, longest - 1)}…` : clean
}

/** The same for text of several lines, such as an answer of a model. */
export const safeLines = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(/\r\n?/g, '\n')
    .replace(/[^\n\t]/g, (char) => char.replace(harmful, ''))

export interface Paint {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
}

const plain = (text: string): string => text

/** Colour when `colour`, else the text itself. NO_COLOR was heeded when the streams were looked at. */
export const paint = (colour: boolean): Paint =>
  colour
    ? {
        bold: (text) => styleText('bold', text, { validateStream: false }),
        dim: (text) => styleText('dim', text, { validateStream: false }),
        good: (text) => styleText('green', text, { validateStream: false }),
        bad: (text) => styleText('red', text, { validateStream: false }),
      }
    : { bold: plain, dim: plain, good: plain, bad: plain }
