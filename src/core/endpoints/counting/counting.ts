import { GatewayError } from '../../kernel/errors.ts'
import { protocols, providerProtocolById } from '../../protocols/index.ts'
import type { JsonObject, Part, ProtocolId } from '../../protocols/neutral/index.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import { crossing } from '../crossing.ts'
import { type Endpoint, type Road, type RoadOptions, type UnaryAnswer, UnreadableAnswer } from '../endpoint.ts'
import { readAnswer } from '../side/pass.ts'
import { type ClientCounter, clientCounters } from './client-counters.ts'
import { countable } from './count-request.ts'
import { counterOf, type ProviderCounter } from './provider-counters.ts'

/**
 * How many tokens a request would have, without sending it: Anthropic's `/messages/count_tokens`, OpenAI's `/responses/input_tokens`, Gemini's `:countTokens`. The
 * provider counts where it can; else, and when its counter fails, the gateway does, and says so.
 */
const counting = (client: Protocol, form: ClientCounter): Endpoint => ({
  id: form.id,
  errors: client,
  free: 'No provider charges for counting.',
  inspect(body, place) {
    const facts = client.inspect(form.mainBody(body), place)
    return { ...facts, stream: false, maxTokens: 0, promptBound: 0 }
  },
  road: (options) => countingRoad(client, form, options),
})

const countingRoad = (client: Protocol, form: ClientCounter, options: RoadOptions): Road => {
  const { facts, target, place } = options
  const asked = JSON.parse(facts.scanned.bytes.toString('utf8')) as JsonObject
  const request = client.decodeRequest(asked, place)
  const counter = counterOf(target)
  const body = counter && bodyFor(client, counter, asked, options)
  const onlyText = request.messages.every(({ parts }) => parts.every(isText))
  const answer = (tokens: number): UnaryAnswer => ({
    body: Buffer.from(JSON.stringify(form.answer(tokens, onlyText))),
    // Nothing is delivered: nothing is charged.
    observed: { deliveredChars: 0, complete: true },
  })
  const spoken: ProtocolId =
    counter?.protocol ?? target.kind.protocolFor?.(target.model) ?? target.speaks[0] ?? client.id
  return {
    protocol: spoken,
    path: counter?.path(target) ?? '/',
    straight: counter?.protocol === client.id,
    warnings: [],
    request: () => body ?? Buffer.alloc(0),
    unary(bytes) {
      const tokens = counter?.tokens(readAnswer(bytes).read)
      if (typeof tokens !== 'number' || !Number.isSafeInteger(tokens) || tokens < 0)
        throw new UnreadableAnswer('there is no count')
      return answer(tokens)
    },
    stream: () => {
      throw new UnreadableAnswer('a count is no stream')
    },
    decodeError: (status, headers, bytes) => providerProtocolById(spoken).decodeError(status, headers, bytes),
    local: {
      only: body === undefined,
      async answer(count) {
        const { texts, tokens } = countable(request, spoken)
        return { ...answer(tokens + (await count(texts))), headers: ['x-gateway-estimated', 'true'] }
      },
    },
  }
}

const isText = (part: Part): boolean =>
  part.type === 'tool-result'
    ? part.content.every(isText)
    : !['image', 'document', 'audio', 'opaque'].includes(part.type)

/** The body for the provider's counter; undefined when the request cannot be told in its protocol. */
const bodyFor = (
  client: Protocol,
  counter: ProviderCounter,
  asked: JsonObject,
  options: RoadOptions,
): Buffer | undefined => {
  const { model } = options.target
  if (counter.protocol === client.id) return Buffer.from(JSON.stringify(counter.body(asked, model)))
  try {
    const crossed = crossing(client, providerProtocolById(counter.protocol), options).request(1)
    return Buffer.from(JSON.stringify(counter.body(JSON.parse(crossed.toString('utf8')) as JsonObject, model)))
  } catch (error) {
    if (error instanceof GatewayError) return undefined
    throw error
  }
}

/** One for each protocol of clients that has such a call. */
export const countingEndpoints: readonly Endpoint[] = protocols.flatMap((client) => {
  const form = clientCounters[client.id]
  return form ? [counting(client, form)] : []
})
