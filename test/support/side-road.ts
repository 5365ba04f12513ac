import { quirksOf } from '../../src/core/protocols/openai-chat/quirks.ts'
import type { Endpoint, Road, RoadOptions } from '../../src/core/endpoints/endpoint.ts'
import { createSealer } from '../../src/core/kernel/secrets.ts'
import type { ProtocolId } from '../../src/core/protocols/neutral/index.ts'
import type { Place } from '../../src/core/protocols/protocol.ts'
import { providerKindById } from '../../src/core/provider-kinds/index.ts'

export interface SideTarget {
  readonly kind: string
  readonly model?: string
  readonly speaks?: readonly ProtocolId[]
  readonly place?: Place
}

/** The road of an endpoint for a body, to a target of a provider of that kind, as admission builds it. The shadow model is `shadow`. */
export const sideRoad = (endpoint: Endpoint, body: unknown, target: SideTarget): Road => {
  const kind = providerKindById(target.kind)
  if (!kind) throw new Error(`there is no kind ${target.kind}`)
  const place = target.place ?? {}
  const facts = endpoint.inspect(Buffer.from(JSON.stringify(body)), place)
  const options: RoadOptions = {
    facts,
    place,
    target: {
      kind,
      speaks: target.speaks ?? kind.speaks,
      model: target.model ?? 'real-model',
      providerId: 'prv_test',
      quirks: quirksOf([]),
      baseUrl: 'http://provider.test/v1',
    },
    shadowModel: 'shadow',
    maxTokens: facts.maxTokens,
    defaultMaxTokens: facts.maxTokens ?? 4096,
    estimatedInputTokens: 100,
    created: 1_700_000_000,
    crossing: { strict: false, dropUnsupportedTools: false },
    sealer: createSealer(Buffer.alloc(32), 'test'),
    clientHeaders: {},
  }
  return endpoint.road(options)
}

/** What the road makes of the request, as JSON. */
export const sentBody = (road: Road): unknown => JSON.parse(road.request(undefined).toString())

/** What the road makes of an answer. */
export const answered = (road: Road, answer: unknown) => {
  const { body, observed } = road.unary(Buffer.from(JSON.stringify(answer)))
  return { json: JSON.parse(body.toString()) as Record<string, unknown>, body, observed }
}
