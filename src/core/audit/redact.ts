const secretNames = /pass(word|phrase)|secret|hash$|credential|authorization|api_?key$/i
/** What looks like a secret of ours or of a well-known provider, wherever it stands in a text. */
const secretTexts = /\b(sk-[A-Za-z0-9_-]{8}|tgadm-)[A-Za-z0-9_-]+/g
const longest = 500

/** A copy for the record: values under names of secrets are masked, secrets inside texts too, long texts are cut. */
export const redact = (value: unknown, depth = 0): unknown => {
  if (typeof value === 'string') {
    const masked = value.replace(secretTexts, '•••')
    return masked.length > longest ? `${masked.slice(0, longest)}…` : masked
  }
  if (typeof value !== 'object' || value === null) return value
  if (depth > 16) return '…'
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => redact(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([name, item]) => [name, secretNames.test(name) ? '•••' : redact(item, depth + 1)]),
  )
}
