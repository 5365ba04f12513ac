/** Edit distance with swaps of neighbours, so that "prot" is one step from "port". */
const distance = (left: string, right: string): number => {
  let before: number[] = []
  let last = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i++) {
    const row = [i]
    for (let j = 1; j <= right.length; j++) {
      const same = left[i - 1] === right[j - 1]
      let cost = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1])
        cost = Math.min(cost, before[j - 2]! + 1)
      row.push(cost)
    }
    before = last
    last = row
  }
  return last[right.length]!
}

const plain = (name: string): string => name.toLowerCase().replaceAll('-', '_')

/** The nearest known name, when it is near enough to be meant. */
export const nearest = (name: string, known: readonly string[]): string | null => {
  const wanted = plain(name).slice(0, 64)
  let best: string | null = null
  let least = Math.max(2, Math.floor(wanted.length / 3)) + 1
  for (const candidate of known) {
    const steps = distance(wanted, plain(candidate))
    if (steps < least) [best, least] = [candidate, steps]
  }
  return best
}
