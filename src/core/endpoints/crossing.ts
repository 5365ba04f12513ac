import { GatewayError } from '../kernel/errors.ts'
import { FailedAnswer } from '../protocols/failed-answer.ts'
import { estimateUsage, textLength } from '../protocols/estimate.ts'
import type { JsonObject, NeutralEvent, NeutralRequest, ProviderFailure, Usage } from '../protocols/neutral/index.ts'
import type {
  DecodeOptions,
  EncodeOptions,
  Observed,
  Protocol,
  ProviderProtocol,
  StreamDecoder,
  StreamEncoder,
} from '../protocols/protocol.ts'
import { splitThinkTags, ThinkTags } from '../protocols/openai-chat/think-tags.ts'
import { parseJson } from '../protocols/parse-json.ts'
import { withoutPastSearches } from '../protocols/past-searches.ts'
import { parseFrame, SseFrameTooLarge, SseSplitter } from '../protocols/sse.ts'
import { asFunctions, FreeTextCalls, restoreFreeText } from '../protocols/tool-forms.ts'
import { restoreInEvent, restoreInResponse, sendableToolNames } from '../protocols/tool-names.ts'
import { type Road, type RoadOptions, type StreamRoad, UnreadableAnswer } from './endpoint.ts'
import { openStates, ownerOf, sealResponse, StateSeal } from './sealed-state.ts'

/** What a crossing has of a road; where it leads is added by generate.ts. */
export type Translation = Omit<Road, 'protocol' | 'path' | 'decodeError'>

/**
 * The way between two protocols, and between a client and a server of its own protocol whose answers need repair: client → neutral form → provider, and back. Throws
 * GatewayError with the client's path for what the provider's protocol cannot express.
 */
export const crossing = (client: Protocol, provider: ProviderProtocol, options: RoadOptions): Translation => {
  const { facts, target } = options
  const asked = parseJson(facts.scanned.bytes.toString('utf8')) as JsonObject
  const request = client.decodeRequest(asked, options.place)
  const owner = ownerOf(provider.id, target.providerId, target.model)
  const opened = openStates(request, options.sealer, owner)
  const same = client.id === provider.id
  const past = withoutPastSearches(opened.request, provider.id)
  if (!same) refuseHostedEnd(past.request)
  const forms = provider.customTools || same ? keepForms(past.request) : asFunctions(past.request, options.crossing)
  const { request: neutral, sent } = sendableToolNames(forms.request, provider.toolName)
  const encode = (maxTokens: number | undefined) =>
    provider.encodeRequest(neutral, {
      model: target.model,
      defaultMaxTokens: options.defaultMaxTokens,
      dropUnsupportedTools: options.crossing.dropUnsupportedTools,
      chat: target.quirks.chat,
      ...(maxTokens !== undefined && { maxTokens }),
    })
  const fromServer: DecodeOptions = { chat: target.quirks.chat }
  const planned = encode(options.maxTokens)
  const toClient: EncodeOptions = {
    model: options.shadowModel,
    includeUsage: facts.includeUsage,
    created: options.created,
    now: options.now,
    estimatedInputTokens: options.estimatedInputTokens,
    request,
    asked,
    ...(same && { same }),
  }
  return {
    straight: false,
    warnings: [...opened.warnings, ...past.warnings, ...forms.warnings, ...planned.warnings],
    request: (maxTokens) =>
      Buffer.from(JSON.stringify((maxTokens === options.maxTokens ? planned : encode(maxTokens)).body)),
    unary(body) {
      try {
        const told = provider.decodeResponse(parseJson(body.toString('utf8')) as JsonObject, fromServer)
        const thought = target.quirks.chat.thinkTags ? splitThinkTags(told) : told
        const named = restoreFreeText(restoreInResponse(thought, sent), forms.freeText)
        const answer = same ? named : sealResponse(named, options.sealer, owner)
        const observed: Observed = { deliveredChars: 0, complete: true, upstreamId: answer.id }
        if (answer.usage) observed.usage = answer.usage
        const finish = answer.choices[0]?.finish.raw
        if (finish) observed.finish = finish
        for (const choice of answer.choices) {
          for (const block of choice.blocks) observed.deliveredChars += textLength(block)
        }
        const usage = answer.usage ?? untold(observed, options)
        return { body: Buffer.from(JSON.stringify(client.encodeResponse({ ...answer, usage }, toClient))), observed }
      } catch (cause) {
        if (cause instanceof FailedAnswer)
          return { body, observed: { deliveredChars: 0, complete: false, failure: cause.failure } }
        if (cause instanceof GatewayError) throw cause
        throw new UnreadableAnswer('the answer does not follow its protocol', { cause })
      }
    },
    stream() {
      const steps: Step[] = []
      if (target.quirks.chat.thinkTags) steps.push(new ThinkTags())
      if (sent.size > 0) steps.push({ push: (event) => [restoreInEvent(event, sent)] })
      if (forms.freeText.size > 0) steps.push(new FreeTextCalls(forms.freeText))
      if (!same) steps.push(new StateSeal(options.sealer, owner))
      return new CrossingStream(provider.createDecoder(fromServer), client.createEncoder(toClient), steps, options)
    },
  }
}

/** An item that asks the provider for something (a compaction, a hosted call) is no answer that was begun, though it stands where one would. */
const refuseHostedEnd = ({ messages }: NeutralRequest): void => {
  const last = messages.at(-1)
  const end = last?.parts.at(-1)
  if (last?.role !== 'assistant' || end?.type !== 'opaque') return
  const param = end.path ?? last.path ?? 'messages'
  throw new GatewayError('unsupported_parameter', `${param}: this has no counterpart at the model behind this name.`, {
    param,
  })
}

const keepForms = (request: NeutralRequest) => ({ request, freeText: new Set<string>(), warnings: [] })

/** Something between the provider's events and the client's encoder. */
interface Step {
  push(event: NeutralEvent): readonly NeutralEvent[]
}

/** Where the provider tells no usage, every client is told the estimate that an answer with something in it is charged by (settle.ts). */
const untold = (
  { deliveredChars }: Observed,
  { estimatedInputTokens }: Pick<RoadOptions, 'estimatedInputTokens'>,
): Usage => estimateUsage(estimatedInputTokens, deliveredChars)

class CrossingStream implements StreamRoad {
  readonly observed: Observed = { deliveredChars: 0, complete: false }
  readonly #splitter = new SseSplitter()
  readonly #decoder
  readonly #encoder: StreamEncoder
  readonly #steps: readonly Step[]
  readonly #options: RoadOptions
  /** How many answers were asked for, and how many of them have not finished yet. */
  readonly #choices: number
  #unfinished: number
  fail?: (error: GatewayError, requestId: string) => string

  constructor(decoder: StreamDecoder, encoder: StreamEncoder, steps: readonly Step[], options: RoadOptions) {
    this.#steps = steps
    this.#options = options
    this.#choices = options.facts.choices
    this.#unfinished = options.facts.choices
    this.#decoder = decoder
    this.#encoder = encoder
    if (encoder.fail) this.fail = (error, requestId) => encoder.fail!(error, requestId)
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
      // Answers that nobody asked for are left out.
      if ('choice' in event && event.choice >= this.#choices) continue
      this.#observe(event)
      if (event.type === 'end' && !this.observed.usage && this.observed.complete)
        out += this.#tell({ type: 'usage', usage: untold(this.observed, this.#options) }, 0)
      if (event.type !== 'error') out += this.#tell(event, 0)
      if (this.#encoder.failure !== undefined) this.#fail(this.#encoder.failure)
    }
    return out
  }

  #tell(event: NeutralEvent, at: number): string {
    const step = this.#steps[at]
    if (!step) return this.#encoder.push(event)
    let out = ''
    for (const next of step.push(event)) out += this.#tell(next, at + 1)
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
        // Everything that was asked for had come: what breaks behind it changes nothing for the client.
        if (!seen.complete) seen.failure = event.error satisfies ProviderFailure
        break
      case 'end':
        // A server may give fewer answers than were asked for, but none is none.
        seen.complete = this.#unfinished < this.#choices
        break
      case 'block-start':
      case 'block-stop':
        break
    }
  }
}
