import { crossing } from '../../../src/core/endpoints/crossing.ts'
import type { RoadOptions, RoadTarget, StreamRoad } from '../../../src/core/endpoints/endpoint.ts'
import { generate } from '../../../src/core/endpoints/generate.ts'
import { fromProvider } from '../../../src/core/exchange/failure.ts'
import { GatewayError } from '../../../src/core/kernel/errors.ts'
import { createSealer } from '../../../src/core/kernel/secrets.ts'
import type { DecodeOptions, Protocol, ProviderProtocol } from '../../../src/core/protocols/protocol.ts'
import { quirksOf } from '../../../src/core/protocols/openai-chat/quirks.ts'
import type { ProviderKind } from '../../../src/core/provider-kinds/provider-kind.ts'
import { providerKindById, providerKinds } from '../../../src/core/provider-kinds/index.ts'
import type { Asked } from './asked.ts'

const sealer = createSealer(Buffer.alloc(32, 7), 'test')

/** The kind a recorded provider is set up with here; servers without a kind of their own are compatible with something. */
export const kindFor = (name: string, provider: ProviderProtocol): ProviderKind => {
  const speaks = (kind: ProviderKind | undefined) => kind?.speaks.includes(provider.id)
  const own = providerKindById(name)
  if (own && speaks(own)) return own
  const compatible = providerKinds.find((kind) => kind.id.endsWith('-compatible') && speaks(kind))
  const any = compatible ?? providerKinds.find((kind) => speaks(kind))
  // As its operator would set it up.
  if (any && name === 'snowflake') return { ...any, quirks: [...(any.quirks ?? []), 'empty-finish-reason'] }
  if (!any) throw new Error(`no kind of provider speaks ${provider.id}`)
  return any
}

export const dialectOf = (name: string, provider: ProviderProtocol): DecodeOptions => ({
  chat: quirksOf(kindFor(name, provider).quirks ?? []).chat,
})

export interface To {
  readonly provider: ProviderProtocol
  readonly model?: string
  readonly kind?: ProviderKind
}

const targetOf = ({ provider, model = 'real', kind = kindFor('', provider) }: To): RoadTarget => {
  // The protocol is chosen here, not by the name of the model.
  const { protocolFor: _, ...rest } = kind
  return {
    kind: rest,
    speaks: [provider.id],
    model,
    providerId: 'prv_1',
    quirks: quirksOf(kind.quirks ?? []),
    baseUrl: kind.baseUrl ?? 'https://example.com/v1',
  }
}

export const optionsFor = (
  client: Protocol,
  { body, place }: Asked,
  to: To,
  bytes: Buffer = Buffer.from(JSON.stringify(body)),
): RoadOptions => ({
  facts: client.inspect(bytes, place),
  place,
  clientHeaders: {},
  target: targetOf(to),
  shadowModel: 'shadow',
  maxTokens: undefined,
  defaultMaxTokens: 4096,
  estimatedInputTokens: 7,
  created: 1,
  crossing: { strict: false, dropUnsupportedTools: false },
  sealer,
})

/** The road that the exchange takes: straight between equals unless the provider's answers need repair. */
export const realRoad = (client: Protocol, asked: Asked, to: To) => generate(client).road(optionsFor(client, asked, to))

/** Always through the neutral form, also between equals: the road of servers whose answers need repair. */
export const crossingRoad = (client: Protocol, asked: Asked, to: To) => {
  const options = optionsFor(client, asked, to)
  if (client.id !== to.provider.id) return generate(client).road(options)
  return crossing(client, to.provider, options)
}

export interface Told {
  readonly bytes: Buffer
  readonly failed: boolean
}

/** A stream as the relay carries it: what comes behind the finish waits for the end, and a broken one ends with the error of the client's protocol. */
export const carry = (client: Protocol, way: StreamRoad, pieces: readonly Buffer[]): Told => {
  const out: Buffer[] = []
  const held: Buffer[] = []
  const take = (bytes: Buffer | string): void => {
    ;(way.observed.complete && !way.observed.failure ? held : out).push(Buffer.from(bytes))
  }
  for (const piece of pieces) {
    take(way.push(piece))
    if (way.observed.failure) break
  }
  if (!way.observed.failure) take(way.finish())
  const { failure, complete } = way.observed
  const error = failure
    ? fromProvider(failure, { shadow: 'shadow', real: 'real', secrets: [] })
    : complete
      ? undefined
      : new GatewayError('upstream_disconnected')
  if (!error) return { bytes: Buffer.concat([...out, ...held]), failed: false }
  const end = way.fail?.(error, 'req_1') ?? client.renderStreamError(error, 'req_1')
  return { bytes: Buffer.concat([...out, Buffer.from(end)]), failed: true }
}
