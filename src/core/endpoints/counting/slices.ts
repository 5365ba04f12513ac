/** Characters given to the tokenizer at once. Its time for a text without spaces grows faster than its length. */
export const sliceChars = 2000

/** Characters counted of one request; what follows is taken to be as dense as what came before. */
export const mostChars = 4_000_000

/** The text in slices that cut no character in two, at a space where there is one in the last quarter. */
export function* slices(text: string): Generator<string> {
  let start = 0
  while (start < text.length) {
    let end = Math.min(text.length, start + sliceChars)
    if (end < text.length) {
      const near = start + (sliceChars * 3) / 4
      const space = text.slice(near, end).lastIndexOf(' ')
      if (space !== -1) end = near + space
      else if (text.charCodeAt(end - 1) >= 0xd800 && text.charCodeAt(end - 1) <= 0xdbff) end--
    }
    yield text.slice(start, end)
    start = end
  }
}

/** Tokens of all texts by `count`, which is never given more than a slice. */
export const countTexts = (texts: readonly string[], count: (slice: string) => number): number => {
  let tokens = 0
  let counted = 0
  let left = 0
  for (const text of texts) {
    const shown = text.slice(0, Math.max(0, mostChars - counted))
    for (const slice of slices(shown)) tokens += count(slice)
    counted += shown.length
    left += text.length - shown.length
  }
  return left === 0 ? tokens : tokens + Math.ceil((tokens / counted) * left)
}
