import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chooseKey, createPoolKey, type Member } from './key-pool.ts'

const pool = (weights: readonly number[]): Member[] =>
  weights.map((weight, index) => ({
    key: { id: `pk_${index}`, secret: `s${index}`, weight },
    known: createPoolKey(`pk_${index}`),
  }))
const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 })

describe('the rotation of a pool', () => {
  test('gives each key exactly its share of a round, whatever the weights', () => {
    fc.assert(
      fc.property(weights, (given) => {
        const members = pool(given)
        const total = given.reduce((sum, weight) => sum + weight, 0)
        const used = new Map<string, number>()
        for (let turn = 0; turn < total; turn++) {
          const { key } = chooseKey(members, [], 0, 0)!
          used.set(key.id, (used.get(key.id) ?? 0) + 1)
        }
        expect(members.map(({ key }) => used.get(key.id))).toEqual(given)
      }),
    )
  })

  test('never gives a key that rests or was tried, and always one as long as there is one', () => {
    fc.assert(
      fc.property(
        weights,
        fc.integer(),
        fc.integer(),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        (given, rest, skip, sticky) => {
          const members = pool(given)
          const resting = members.filter((_, index) => (rest >> index) & 1)
          const tried = members.filter((_, index) => (skip >> index) & 1).map(({ known }) => known)
          for (const { known } of resting) known.health.bad('rate-limited', 0, 0)
          const left = members.filter((member) => !resting.includes(member) && !tried.includes(member.known))
          const chosen = chooseKey(members, tried, sticky, 1)
          if (left.length === 0) expect(chosen).toBeUndefined()
          else expect(left).toContain(chosen)
        },
      ),
    )
  })
})

describe('a prompt that prefers a key', () => {
  const choices = (members: Member[], count: number): string[] =>
    Array.from({ length: count }, (_, index) => chooseKey(members, [], index * 2_654_435_761 + 1, 0)!.key.id)

  test('always goes to the same key while all are healthy', () => {
    const members = pool([1, 1, 1, 1])
    expect(choices(members, 500)).toEqual(choices(members, 500))
  })

  test('spreads prompts over keys by their weights', () => {
    const members = pool([3, 1, 1, 1])
    const used = Map.groupBy(choices(members, 6000), (id) => id)
    expect(used.get('pk_0')!.length).toBeGreaterThan(2700)
    expect(used.get('pk_0')!.length).toBeLessThan(3300)
    for (const id of ['pk_1', 'pk_2', 'pk_3']) expect(used.get(id)!.length).toBeGreaterThan(800)
  })

  test('moves only the prompts of a key that is sent to rest', () => {
    const members = pool([1, 1, 1, 1])
    const before = choices(members, 1000)
    members[2]!.known.health.bad('rate-limited', 0, 0)
    const after = choices(members, 1000)
    expect(before.filter((id, index) => id !== after[index] && id !== 'pk_2')).toEqual([])
    expect(after).not.toContain('pk_2')
  })

  test('does not drown its key: above its share the others help', () => {
    const members = pool([1, 1, 1, 1])
    for (let running = 0; running < 100; running++) chooseKey(members, [], 77, 0)!.known.busy++
    expect(Math.max(...members.map(({ known }) => known.busy))).toBeLessThanOrEqual(34)
  })
})
