import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/core/kernel/errors.ts'
import type { JsonObject } from '../../src/core/protocols/neutral/index.ts'
import type { Protocol } from '../../src/core/protocols/protocol.ts'
import { pairs } from './support/pairs.ts'
import { plainRequests, refusalCases } from './support/refusal-cases.ts'
import { hasPlace } from './support/requests.ts'
import { crossingRoad } from './support/roads.ts'

const refusal = (client: Protocol, provider: (typeof pairs)[number]['provider'], body: JsonObject) => {
  try {
    crossingRoad(client, { body, place: { model: 'shadow', stream: false } }, { provider })
    return undefined
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
}

describe.each(pairs.filter(({ client, provider }) => client.id !== provider.id))('$name', ({ client, provider }) => {
  const own = refusalCases.filter(({ said }) => said[client.id])

  test.each(own.filter(({ sayable }) => !sayable.includes(provider.id)))(
    'refused with its place before anything is sent: $what',
    ({ said }) => {
      const body = { ...plainRequests[client.id], ...said[client.id] }
      const error = refusal(client, provider, body)
      expect(error, 'it was not refused').toBeDefined()
      const { status, details, message } = error!
      expect({ status, message }).toMatchObject({ status: 400 })
      expect(details.param, message).toBeDefined()
      expect(hasPlace(body, details.param!), `${details.param} in ${message}`).toBe(true)
    },
  )

  test.each(own.filter(({ sayable }) => sayable.includes(provider.id)))('passed on: $what', ({ said }) => {
    expect(refusal(client, provider, { ...plainRequests[client.id], ...said[client.id] })?.message).toBeUndefined()
  })
})

test('every protocol that clients speak has its words here', () => {
  for (const { client } of pairs) expect(Object.keys(plainRequests)).toContain(client.id)
})
