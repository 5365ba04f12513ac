import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/core/kernel/errors.ts'
import { protocols, providerProtocolById } from '../../src/core/protocols/index.ts'
import { providerKinds } from '../../src/core/provider-kinds/index.ts'
import { recordingsPresent } from '../support/recordings.ts'
import { hasPlace, sentRequests } from './support/requests.ts'
import { realRoad } from './support/roads.ts'

const targets = providerKinds.flatMap((kind) =>
  kind.speaks.map((protocol) => ({
    name: `${kind.id} over ${protocol}`,
    kind,
    provider: providerProtocolById(protocol),
  })),
)

describe.skipIf(!recordingsPresent)(
  'what real clients send, to every kind of provider (skipped where recordings are absent)',
  () => {
    describe.each(targets)('$name', ({ kind, provider }) => {
      test.each(protocols.map((client) => ({ id: client.id, client })))(
        'from a client of $id: sent, or refused with its place',
        ({ client }) => {
          for (const { id, body, place } of sentRequests(client)) {
            try {
              const road = realRoad(client, { body, place }, { provider, kind, model: 'the-model' })
              const bytes = road.request(100).toString()
              expect(`${road.path} ${bytes}`, id).toContain('the-model')
              const sent = JSON.parse(bytes) as object
              expect(sent, id).toBeTypeOf('object')
              for (const { path } of road.warnings) expect(path, id).not.toBe('')
            } catch (error) {
              if (!(error instanceof GatewayError)) throw error
              expect(error.status, `${id}: ${error.message}`).toBe(400)
              expect(hasPlace(body, error.details.param ?? ''), `${id}: ${error.details.param}: ${error.message}`).toBe(
                true,
              )
            }
          }
        },
      )
    })
  },
)
