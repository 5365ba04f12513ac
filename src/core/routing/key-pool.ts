import type { ResolvedProvider } from '../catalog/resolved.ts'
import { createKeyHealth, type KeyHealth } from './key-health.ts'
import { hashText, stir } from './sticky.ts'

export type ProviderKey = ResolvedProvider['keys'][number]

/** A key of a pool with what is known of it. */
export interface PoolKey {
  readonly id: string
  readonly hash: number
  readonly health: KeyHealth
  /** Attempts that run. */
  busy: number
  /** Of the smooth rotation. */
  turn: number
}

export const createPoolKey = (id: string): PoolKey => ({
  id,
  hash: hashText(id),
  health: createKeyHealth(),
  busy: 0,
  turn: 0,
})

/** A key in its pool: what the catalogue says, and what was seen of it. */
export interface Member {
  readonly key: ProviderKey
  readonly known: PoolKey
}

/** How much busier than its share the preferred key of a prompt may be. */
const slack = 1.25
/** So many attempts at a time are no burden for any key. */
const light = 8

/**
 * The key for the next attempt among those that are ready and were not `tried`: the one this prompt prefers (rendezvous hashing, as long as it is not much busier than the
 * others), else the next in a smooth weighted rotation. Undefined when there is none.
 */
export const chooseKey = (
  members: readonly Member[],
  tried: readonly PoolKey[],
  sticky: number,
  now: number,
): Member | undefined => {
  if (members.length === 1) {
    const only = members[0]!
    return !tried.includes(only.known) && only.known.health.ready(now) ? only : undefined
  }
  return sticky === 0 ? rotate(members, tried, now) : prefer(members, tried, sticky, now)
}

const rotate = (members: readonly Member[], tried: readonly PoolKey[], now: number): Member | undefined => {
  let total = 0
  let best: Member | undefined
  for (const member of members) {
    const { known, key } = member
    if (tried.includes(known) || !known.health.ready(now)) continue
    const weight = Math.max(1, key.weight)
    total += weight
    known.turn += weight
    if (best === undefined || known.turn > best.known.turn) best = member
  }
  if (best) best.known.turn -= total
  return best
}

const prefer = (
  members: readonly Member[],
  tried: readonly PoolKey[],
  sticky: number,
  now: number,
): Member | undefined => {
  let weights = 0
  let busy = 1
  for (const { known, key } of members) {
    if (!known.health.ready(now)) continue
    weights += Math.max(1, key.weight)
    busy += known.busy
  }
  let best: Member | undefined
  let bestScore = 0
  let idlest: Member | undefined
  for (const member of members) {
    const { known, key } = member
    if (tried.includes(known) || !known.health.ready(now)) continue
    const weight = Math.max(1, key.weight)
    if (idlest === undefined || known.busy < idlest.known.busy) idlest = member
    if (known.busy >= Math.max(light, (slack * busy * weight) / weights)) continue
    const drawn = (stir(known.hash ^ sticky) + 0.5) / 2 ** 32
    const score = -weight / Math.log(drawn)
    if (best === undefined || score > bestScore) {
      best = member
      bestScore = score
    }
  }
  return best ?? idlest
}
