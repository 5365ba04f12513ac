import { GatewayError } from '../kernel/errors.ts'
import { providerProtocolById } from '../protocols/index.ts'
import { jsonArrayFraming } from '../protocols/gemini/json-array.ts'
import type { Observed, Protocol, ProviderProtocol } from '../protocols/protocol.ts'
import type { RoadCall, Unframer } from '../provider-kinds/provider-kind.ts'
import { sealPrefix } from '../protocols/sealed.ts'
import { crossing, type Translation } from './crossing.ts'
import type { Endpoint, Road, RoadOptions, RoadTarget, StreamRoad } from './endpoint.ts'
import { withoutForeignReasoning } from './foreign-reasoning.ts'
import { ownerOf } from './sealed-state.ts'
import { straight } from './straight.ts'

/** The main call of a protocol: a prompt goes in, an answer is generated. It reaches providers of every protocol. */
export const generate = (client: Protocol): Endpoint => ({
  id: client.id,
  errors: client,
  inspect: (body, place) => client.inspect(body, place),
  road: (options) => buildRoad(client, options),
})

const buildRoad = (client: Protocol, options: RoadOptions): Road => {
  const { kind, model, baseUrl } = options.target
  const provider = spokenWith(client, options.target)
  const call: RoadCall = {
    protocol: provider.id,
    model,
    stream: options.facts.stream,
    baseUrl,
    client: options.clientHeaders,
  }
  const way = wayOf(client, provider, options)
  if (options.crossing.strict && way.warnings.length > 0) throw notExpressible(way.warnings[0]!)
  return {
    ...way,
    protocol: provider.id,
    path: kind.path?.(call) ?? provider.upstreamPath(model, call.stream),
    request(maxTokens) {
      const body = way.request(maxTokens)
      return kind.adaptBody ? kind.adaptBody(body, call) : body
    },
    stream() {
      const unframer = kind.unframe?.(call)
      const read = unframer ? new Unframed(way.stream(), unframer) : way.stream()
      // Gemini's clients that ask without `alt=sse` get their stream as one JSON array.
      return options.place.jsonArray ? jsonArrayFraming(read) : read
    },
    decodeError: (status, headers, body) => provider.decodeError(status, headers, body),
  }
}

/** The straight road if the provider speaks the client's protocol as it should and the conversation holds nothing sealed; the crossing otherwise. */
const wayOf = (client: Protocol, provider: ProviderProtocol, options: RoadOptions): Translation => {
  const { facts, target, sealer } = options
  const repairs = target.quirks.repairs.includes(provider.id)
  if (provider !== client) return crossing(client, provider, options)
  if (client.id === 'openai-responses') {
    const { providerId, model } = target
    const bare = withoutForeignReasoning(facts.scanned, sealer, ownerOf(client.id, providerId, model))
    if (!bare) return crossing(client, provider, options)
    const way = straight(client, { ...options, facts: { ...facts, scanned: bare.scanned } })
    // The request is the client's own all the same: the provider may keep what it answers.
    const { unary, stream } = repairs ? crossing(client, provider, options) : way
    return { ...way, straight: !repairs, warnings: bare.warnings, unary, stream }
  }
  // Sealed state in the history means that another protocol's provider answered before: what is sealed must be opened.
  const untouched = !repairs && !facts.scanned.bytes.includes(sealPrefix)
  return untouched ? straight(client, options) : crossing(client, provider, options)
}

/** The protocol of the model where its provider has several and the operator did not take it away; else the client's own if the provider speaks it; else the provider's first. */
const spokenWith = (client: Protocol, { kind, speaks, model }: RoadTarget): ProviderProtocol => {
  const fixed = kind.protocolFor?.(model)
  if (fixed && speaks.includes(fixed)) return fixed === client.id ? client : providerProtocolById(fixed)
  return speaks.includes(client.id) ? client : providerProtocolById(speaks[0]!)
}

const notExpressible = ({ path, reason }: { readonly path: string; readonly reason: string }): GatewayError =>
  new GatewayError(
    'unsupported_parameter',
    `${path}: ${reason} (This model refuses what cannot be passed on exactly.)`,
    {
      param: path,
    },
  )

/** A stream whose provider frames it in its own way. */
class Unframed implements StreamRoad {
  readonly observed: Observed
  readonly #inner: StreamRoad
  readonly #unframer: Unframer
  readonly fail?: (error: GatewayError, requestId: string) => string

  constructor(inner: StreamRoad, unframer: Unframer) {
    this.#inner = inner
    this.#unframer = unframer
    this.observed = inner.observed
    if (inner.fail) this.fail = (error, requestId) => inner.fail!(error, requestId)
  }

  push(chunk: Buffer): Buffer | string {
    try {
      return this.#inner.push(this.#unframer.push(chunk))
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : 'the stream cannot be read'
      this.observed.failure ??= { class: 'server', status: 502, message }
      return ''
    }
  }

  finish(): Buffer | string {
    const rest = this.#inner.push(this.#unframer.finish())
    const last = this.#inner.finish()
    return Buffer.concat([Buffer.from(rest), Buffer.from(last)])
  }
}
