import type { Cut } from '../json-scan.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Where one item of an array stands. */
export interface ItemPlace {
  readonly start: number
  /** Index just behind it. */
  readonly end: number
}

/** The places of the items of an array in valid JSON; `start` and `end` enclose it. Nothing is parsed or copied. */
export const itemPlaces = (bytes: Buffer, start: number, end: number): ItemPlace[] => {
  const places: ItemPlace[] = []
  let depth = 0
  let first = -1
  let last = -1
  const close = (): void => {
    if (first !== -1) places.push({ start: first, end: last + 1 })
    first = -1
  }
  for (let at = start + 1; at < end - 1; at++) {
    const byte = bytes[at]!
    if (byte <= 0x20) continue
    if (byte === 0x2c && depth === 0) {
      close()
      continue
    }
    if (first === -1) first = at
    if (byte === QUOTE) at = lastOfString(bytes, at)
    else if (byte === 0x7b || byte === 0x5b) depth++
    else if (byte === 0x7d || byte === 0x5d) depth--
    last = at
  }
  close()
  return places
}

/** Index of the quote that closes the string. */
const lastOfString = (bytes: Buffer, open: number): number => {
  for (let at = open + 1; ;) {
    const quote = bytes.indexOf(QUOTE, at)
    let slashes = 0
    while (bytes[quote - 1 - slashes] === BACKSLASH) slashes++
    if (slashes % 2 === 0) return quote
    at = quote + 1
  }
}

/** Cuts that take items out with their commas. */
export const removeItems = (places: readonly ItemPlace[], removed: ReadonlySet<number>): Cut[] => {
  const cuts: Cut[] = []
  let kept: ItemPlace | undefined
  let run: ItemPlace | undefined
  for (const [index, place] of places.entries()) {
    if (removed.has(index)) {
      run ??= place
      continue
    }
    if (run) cuts.push({ start: run.start, end: place.start, text: '' })
    run = undefined
    kept = place
  }
  if (run) cuts.push({ start: kept?.end ?? run.start, end: places.at(-1)!.end, text: '' })
  return cuts
}
