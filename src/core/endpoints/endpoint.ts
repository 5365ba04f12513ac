import type { ErrorFormat, HeaderLookup, Observed, Place, RequestFacts } from '../protocols/protocol.ts'
import type { GatewayError } from '../kernel/errors.ts'
import type { Sealer } from '../kernel/secrets.ts'
import type { ProtocolId, ProviderFailure, Warning } from '../protocols/neutral/index.ts'
import type { Quirks } from '../protocols/openai-chat/quirks.ts'
import type { ProviderKind } from '../provider-kinds/provider-kind.ts'

/**
 * Something a client can call: the main call of a protocol, or a side endpoint (embeddings, images, …). All of them run through the same exchange, so that each has the
 * same key check, limits, hold, meter and record. One file and one line in index.ts each.
 */
export interface Endpoint {
  /** In the request log as the client's protocol: `openai-chat`, `embeddings`, … */
  readonly id: string
  readonly errors: ErrorFormat
  /** Why its calls cost nothing. They need a key and take its limits like any other; no credit is held, no quota of tokens used, no price needed. */
  readonly free?: string
  /** Whether its body may be an upload (multipart/form-data) beside JSON, or must be. */
  readonly uploads?: 'too' | 'only'
  /** It is about an answer that a provider keeps, which the path names: the request has no body, and goes to the provider and the key that made the answer. */
  readonly kept?: true
  /** What admission needs. Throws GatewayError 400 for what is no request of this endpoint. */
  inspect(body: Buffer, place: Place): RequestFacts
  /**
   * The way to the target and back. Everything that cannot be expressed there is refused here, before anything is held or sent (`unsupported_parameter` with the
   * client's path, or `unsupported_endpoint` when the provider has nothing like it).
   */
  road(options: RoadOptions): Road
}

/** The part of a target that shapes bytes. */
export interface RoadTarget {
  readonly kind: ProviderKind
  /** The protocols that the operator lets it speak, the preferred first. */
  readonly speaks: readonly ProtocolId[]
  /** The real model's name. */
  readonly model: string
  readonly providerId: string
  /** How its Chat Completions differ from OpenAI's. */
  readonly quirks: Quirks
  /** As it was saved. */
  readonly baseUrl: string
}

export interface RoadOptions {
  readonly facts: RequestFacts
  readonly place: Place
  readonly target: RoadTarget
  readonly shadowModel: string
  /** The limit on output to send; undefined sets none. */
  readonly maxTokens: number | undefined
  /** Where the provider's protocol demands a limit. */
  readonly defaultMaxTokens: number
  readonly estimatedInputTokens: number
  /** Seconds since the epoch. */
  readonly created: number
  /** The clock, in milliseconds since the epoch. */
  readonly now?: () => number
  /** Settings of the shadow model for what cannot cross. */
  readonly crossing: { readonly strict: boolean; readonly dropUnsupportedTools: boolean }
  /** For reasoning state that clients of another protocol carry (sealed-state.ts). */
  readonly sealer: Sealer
  /** The client's own headers that may pass (lower case). */
  readonly clientHeaders: Readonly<Record<string, string>>
}

/**
 * How bytes get from the client to the provider and back. The straight road changes only the bytes it must; the crossing goes through the neutral form. Made once per
 * request and target, before anything is held.
 */
export interface Road {
  /** What is spoken with the provider; for the record and for its headers. */
  readonly protocol: ProtocolId
  /** Below the base URL, with its query. */
  readonly path: string
  /** Default POST. The others have no body. */
  readonly method?: 'GET' | 'DELETE'
  readonly straight: boolean
  readonly warnings: readonly Warning[]
  /** The provider's body. Called again with a lower limit when the credit pays for less than planned. */
  request(maxTokens: number | undefined): Buffer
  /** The body is the client's upload with these values in place of its own; `request` is not asked. */
  readonly upload?: Readonly<Record<string, string>>
  /** Where the path is not below the provider's own base URL: the one to use instead, on the same host. */
  baseUrl?(configured: string): string
  /** A whole answer. Throws UnreadableAnswer when it cannot be translated. `contentType` as the provider told it. */
  unary(body: Buffer, contentType?: string): UnaryAnswer
  /** Whether a good answer of this content type passes while it comes. Absent: when a stream was asked for and events come. */
  streams?(contentType: string | undefined): boolean
  stream(contentType?: string): StreamRoad
  /** Where the gateway can answer itself. */
  readonly local?: LocalRoad
  /** A provider's answer that is no 2xx. */
  decodeError(status: number, headers: HeaderLookup, body: Buffer): ProviderFailure
}

export interface UnaryAnswer {
  readonly body: Buffer
  readonly observed: Observed
  /** Default `application/json`. */
  readonly contentType?: string
  /** Further headers, as a flat list of names and values. */
  readonly headers?: readonly string[]
}

/** An answer of the gateway's own: instead of the provider's when that has nothing to ask (`only`), or when it does not know or does not work. */
export interface LocalRoad {
  readonly only: boolean
  answer(count: CountTokens): Promise<UnaryAnswer>
}

/** Tokens of texts as a tokenizer counts them, away from the serving thread. */
export type CountTokens = (texts: readonly string[]) => Promise<number>

export interface StreamRoad {
  readonly observed: Observed
  /** No frames but bytes: a failure can only be told by breaking the connection. */
  readonly binary?: true
  /** Default `text/event-stream; charset=utf-8`. */
  readonly contentType?: string
  push(chunk: Buffer): Buffer | string
  finish(): Buffer | string
  /** Our error as the end of this stream; absent: the endpoint's ErrorFormat. */
  fail?(error: GatewayError, requestId: string): string
}

/** The provider's answer is not what its protocol says. */
export class UnreadableAnswer extends Error {}
