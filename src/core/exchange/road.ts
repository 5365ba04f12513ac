import { GatewayError } from '../kernel/errors.ts'
import type { JsonObject, NeutralEvent, ProviderFailure, Warning } from '../protocols/neutral/index.ts'
import type { EncodeOptions, Observed, Protocol, RequestFacts, StreamEncoder } from '../protocols/protocol.ts'
import type { ChatDialect } from '../protocols/openai-chat/dialect.ts'
import { parseFrame, SseFrameTooLarge, SseSplitter } from '../protocols/sse.ts'
import { restoreInEvent, restoreInResponse, sendableToolNames, type SentNames } from '../protocols/tool-names.ts'

/**
 * How bytes get from the client's protocol to the provider's and back. The straight road changes only the bytes it must; the crossing goes through the neutral form.
 * Made once per request, before anything is held: what cannot be expressed is refused here.
 */
export interface Road {
  readonly straight: boolean
  readonly warnings: readonly Warning[]
  /** The provider's body. Called again with a lower limit when the credit pays for less than planned. */
  request(maxTokens: number | undefined): Buffer
  /** A whole answer. Throws UnreadableAnswer when it cannot be translated. */
  unary(body: Buffer): { readonly body: Buffer; readonly observed: Observed }
  stream(): StreamRoad
}

export interface StreamRoad {
  readonly observed: Observed
  push(chunk: Buffer): Buffer | string
  finish(): Buffer | string
}

/** The provider's answer is not what its protocol says. */
export class UnreadableAnswer extends Error {}

export interface RoadOptions {
  readonly client: Protocol
  readonly provider: Protocol
  /** The provider's same-protocol answers need no repair. */
  readonly raw: boolean
  readonly facts: RequestFacts
  readonly shadowModel: string
  readonly realModel: string
  readonly maxTokens: number | undefined
  readonly defaultMaxTokens: number
  readonly estimatedInputTokens: number
  /** Seconds since the epoch. */
  readonly created: number
  /** Where the provider's Chat Completions differ from OpenAI's. */
  readonly chat?: ChatDialect | undefined
}

export const buildRoad = (options: RoadOptions): Road =>
  options.client === options.provider && options.raw ? straightRoad(options) : crossing(options)

const straightRoad = ({ client, facts, realModel, shadowModel, chat }: RoadOptions): Road => ({
  straight: true,
  warnings: [],
  request: (maxTokens) =>
    client.raw.request(facts.scanned, {
      model: realModel,
      forceUsage: facts.stream,
      ...(chat && { chat }),
      ...(maxTokens !== undefined && maxTokens !== facts.maxTokens && { maxTokens }),
    }),
  unary: (body) => client.raw.response(body, { model: shadowModel }),
  stream: () => client.raw.createTap({ model: shadowModel, includeUsage: facts.includeUsage, choices: facts.choices }),
})

const crossing = (options: RoadOptions): Road => {
  const { client, provider, facts, realModel } = options
  const asked = client.decodeRequest(JSON.parse(facts.scanned.bytes.toString('utf8')) as JsonObject)
  const { request: neutral, sent } = sendableToolNames(asked, provider.toolName)
  const encode = (maxTokens: number | undefined) =>
    provider.encodeRequest(neutral, {
      model: realModel,
      defaultMaxTokens: options.defaultMaxTokens,
      ...(options.chat && { chat: options.chat }),
      ...(maxTokens !== undefined && { maxTokens }),
    })
  const planned = encode(options.maxTokens)
  const toClient: EncodeOptions = {
    model: options.shadowModel,
    includeUsage: facts.includeUsage,
    created: options.created,
    estimatedInputTokens: options.estimatedInputTokens,
  }
  return {
    straight: false,
    warnings: planned.warnings,
    request: (maxTokens) =>
      Buffer.from(JSON.stringify((maxTokens === options.maxTokens ? planned : encode(maxTokens)).body)),
    unary(body) {
      try {
        const told = provider.decodeResponse(JSON.parse(body.toString('utf8')) as JsonObject)
        const answer = restoreInResponse(told, sent)
        const observed: Observed = { deliveredChars: 0, complete: true, upstreamId: answer.id }
        if (answer.usage) observed.usage = answer.usage
        const finish = answer.choices[0]?.finish.raw
        if (finish) observed.finish = finish
        for (const choice of answer.choices) {
          for (const block of choice.blocks) observed.deliveredChars += blockLength(block)
        }
        return { body: Buffer.from(JSON.stringify(client.encodeResponse(answer, toClient))), observed }
      } catch (cause) {
        if (cause instanceof GatewayError) throw cause
        throw new UnreadableAnswer('the answer does not follow its protocol', { cause })
      }
    },
    stream: () => new CrossingStream(provider, client.createEncoder(toClient), sent, facts.choices),
  }
}

const blockLength = (block: { kind: string; text?: string; arguments?: string }): number =>
  (block.text?.length ?? 0) + (block.arguments?.length ?? 0)

class CrossingStream implements StreamRoad {
  readonly observed: Observed = { deliveredChars: 0, complete: false }
  readonly #splitter = new SseSplitter()
  readonly #decoder
  readonly #encoder: StreamEncoder
  readonly #sent: SentNames
  /** Choices that have not finished yet. */
  #unfinished: number

  constructor(provider: Protocol, encoder: StreamEncoder, sent: SentNames, choices: number) {
    this.#sent = sent
    this.#unfinished = choices
    this.#decoder = provider.createDecoder()
    this.#encoder = encoder
  }

  push(chunk: Buffer): string {
    let out = ''
    try {
      for (const frame of this.#splitter.push(chunk)) out += this.#encode(this.#decoder.push(parseFrame(frame)))
    } catch (error) {
      if (!(error instanceof SseFrameTooLarge)) throw error
      this.observed.failure ??= { class: 'server', status: 502, message: error.message }
    }
    return out
  }

  finish(): string {
    const rest = this.#splitter.finish()
    const last = rest.length > 0 ? this.#encode(this.#decoder.push(parseFrame(rest))) : ''
    return last + this.#encode(this.#decoder.finish())
  }

  #encode(events: readonly NeutralEvent[]): string {
    let out = ''
    for (const event of events) {
      // After a failure nothing more is translated: the relay ends the stream with the client protocol's own error.
      if (this.observed.failure) break
      this.#observe(event)
      if (event.type !== 'error') out += this.#encoder.push(restoreInEvent(event, this.#sent))
      if (this.#encoder.failure !== undefined) this.#fail(this.#encoder.failure)
    }
    return out
  }

  /** The client's protocol cannot tell the rest: whatever the provider says, the client has no whole answer. */
  #fail(message: string): void {
    this.observed.failure ??= { class: 'server', status: 502, message }
    this.observed.complete = false
  }

  #observe(event: NeutralEvent): void {
    const seen = this.observed
    switch (event.type) {
      case 'start':
        seen.upstreamId = event.id
        break
      case 'usage':
        seen.usage = event.usage
        break
      case 'block-delta':
        if (event.delta.kind === 'text') seen.deliveredChars += event.delta.text.length
        else if (event.delta.kind === 'arguments') seen.deliveredChars += event.delta.json.length
        break
      case 'finish':
        if (--this.#unfinished <= 0) seen.complete = true
        if (event.finish.raw) seen.finish = event.finish.raw
        break
      case 'error':
        seen.failure = event.error satisfies ProviderFailure
        break
      case 'end':
        // A server may give fewer answers than were asked for.
        seen.complete = true
        break
      case 'block-start':
      case 'block-stop':
        break
    }
  }
}
