import type { GatewayError } from '../kernel/errors.ts'
import type {
  JsonObject,
  NeutralEvent,
  NeutralRequest,
  NeutralResponse,
  ProtocolId,
  ProviderFailure,
  Usage,
  Warning,
} from './neutral/index.ts'
import type { ChatDialect } from './openai-chat/dialect.ts'
import type { PromptWeight } from './prompt-scale.ts'
import type { ScannedObject } from './json-scan.ts'
import type { SseFrame } from './sse.ts'

/** What the path of a request told, where its protocol puts it there. */
export interface Place {
  /** Gemini: `/models/{model}:…`; Azure's clients: `/deployments/{model}/…`. */
  readonly model?: string
  /** Gemini: `:streamGenerateContent`. */
  readonly stream?: boolean
  /** Gemini: a stream without `alt=sse` is one JSON array that grows. */
  readonly jsonArray?: boolean
  /** The body is an upload (multipart/form-data) of at most so many bytes; what is inspected are its text fields as JSON. */
  readonly uploadBytes?: number
  /** Responses: `/responses/{id}/…`. */
  readonly id?: string
  /** What stands behind the path, where an endpoint reads it. */
  readonly query?: URLSearchParams
}

/** How a protocol tells our errors. Side endpoints borrow it from the protocol they belong to. */
export interface ErrorFormat {
  readonly id: ProtocolId
  /** Our error as this protocol's body. Headers that every error has (request id, retry-after, x-should-retry) are added by the caller. */
  renderError(error: GatewayError, requestId: string): { readonly status: number; readonly body: JsonObject }
  /**
   * Our error inside a started stream, as the bytes of this protocol's error event(s), begun with a blank line so that it cannot glue to a cut frame. An encoder or tap
   * that must know what came before (sequence numbers) tells the error itself (`fail`).
   */
  renderStreamError(error: GatewayError, requestId: string): string
  /** Its clients take a stream that ends cleanly for a whole answer even after an error event: the connection is broken after it (Gemini). */
  readonly breaksAfterStreamError?: true
}

/** The half of a wire format that faces providers. */
export interface ProviderProtocol {
  readonly id: ProtocolId
  /** Path (and query) at a provider below its base URL, for example `/chat/completions` (the base URL carries `/v1`). */
  upstreamPath(model: string, stream: boolean): string
  /** The names of tools it accepts. Others are replaced on the way there and restored in answers (tool-names.ts). */
  readonly toolName: RegExp
  /** It has free-text tools (CustomTool); for others they become functions (tool-forms.ts). */
  readonly customTools?: true
  /** Neutral → provider's body. Throws `unsupported_parameter` (with the client's path) for what would change meaning; adds a warning for each dropped hint. */
  encodeRequest(
    request: NeutralRequest,
    options: EncodeRequestOptions,
  ): { readonly body: JsonObject; readonly warnings: readonly Warning[] }
  /** Throws FailedAnswer for one that tells an error, GatewayError for what is no answer. */
  decodeResponse(body: JsonObject, options?: DecodeOptions): NeutralResponse
  createDecoder(options?: DecodeOptions): StreamDecoder
  /** A provider's non-2xx answer (any body, also HTML) → failure. */
  decodeError(status: number, headers: HeaderLookup, body: Buffer): ProviderFailure
}

/**
 * A wire format we read and write, facing both ways: the same codec serves a client that speaks it and a provider that does. Everything here is synchronous and
 * free of I/O; state of a stream lives in the decoder, encoder or tap object made for it.
 */
export interface Protocol extends ProviderProtocol, ErrorFormat {
  /** What admission needs, read from the raw bytes by one scan of the top level (no full parse). Throws GatewayError 400 for what is no request of this protocol. */
  inspect(body: Buffer, place?: Place): RequestFacts
  /**
   * Client's body → neutral. Strict: unknown parts, bad types and broken rules throw GatewayError with `param`; unknown top-level fields go to `extensions`. `place` as
   * inspect() was given it.
   */
  decodeRequest(body: JsonObject, place?: Place): NeutralRequest
  encodeResponse(response: NeutralResponse, options: EncodeOptions): JsonObject
  createEncoder(options: EncodeOptions): StreamEncoder
  /** The straight road: bytes stay bytes. */
  readonly raw: RawRoad
}

export type HeaderLookup = (name: string) => string | undefined

export interface RequestFacts {
  /** The one scan of the body; the raw road cuts at its places. */
  readonly scanned: ScannedObject
  /** What the model is given to read, for estimates; only main calls tell it. */
  readonly prompt?: PromptWeight
  readonly model: string
  readonly stream: boolean
  /** The client's own limit on output tokens, if it set one. */
  readonly maxTokens?: number
  /** OpenAI chat: whether `stream_options.include_usage` was true. Always true for protocols that report usage anyway. */
  readonly includeUsage: boolean
  /** How many answers were asked for (`n`), at least 1. */
  readonly choices: number
  /** Count of inputs billed beyond their bytes (images by URL and the like), for the bound of the hold. */
  readonly remoteParts: number
  /** The most tokens the input can be, where that is not told by the bytes of the body (recordings, counted tokens). */
  readonly promptBound?: number
  /** The id of an earlier answer that its provider keeps and this request is about or goes on from. It may be another user's: admission finds out. */
  readonly refersTo?: string
}

export interface EncodeRequestOptions {
  /** The real model's name. */
  readonly model: string
  /** The limit on output to send; a codec whose protocol requires one uses it, others send it only if the client or the hold set one. */
  readonly maxTokens?: number
  /** Fallback where the protocol requires a limit and none is known. */
  readonly defaultMaxTokens: number
  /** Where the server differs from OpenAI in what it accepts (OpenAI chat). */
  readonly chat?: ChatDialect
  /** Tools that only another protocol's provider runs are left out with a warning instead of refused (a setting of the shadow model). */
  readonly dropUnsupportedTools?: boolean
}

export interface DecodeOptions {
  /** Where the server differs from OpenAI in what it answers (OpenAI chat). */
  readonly chat?: ChatDialect
}

export interface EncodeOptions {
  /** The shadow model's name, the only one the client ever sees. */
  readonly model: string
  /** OpenAI chat: send the usage chunk. */
  readonly includeUsage: boolean
  /** Seconds since the epoch for formats that need it. */
  readonly created: number
  /** The clock, in milliseconds since the epoch, for formats that tell when an answer was complete. Absent: that is `created`. */
  readonly now?: (() => number) | undefined
  /** Local estimate of input tokens for formats that must tell it first (Anthropic's message_start). */
  readonly estimatedInputTokens: number
  /** What the client asked, for formats that repeat it in the answer (Responses) or tell only what was asked for (Gemini's thoughts). */
  readonly request?: NeutralRequest
  /** The client's body as it was parsed, for the same purpose. */
  readonly asked?: JsonObject
  /** The provider speaks the client's protocol and got its request: its answer's id is the one to go on from, if it keeps it (Responses). */
  readonly same?: true
}

/** Provider's frames → neutral events. Never throws: what cannot be read becomes an `error` event or is ignored, as the laws in event.ts demand. */
export interface StreamDecoder {
  push(frame: SseFrame): NeutralEvent[]
  /** Upstream ended cleanly (EOF). Emits what is still owed: stops, finish and `end`, or `error` (upstream cut) if no terminal mark was seen. */
  finish(): NeutralEvent[]
}

/**
 * Neutral events → the client's bytes (text of zero or more whole frames). An answer that this protocol cannot tell truly (a tool call that cannot be read, an end without a
 * finish, the provider's error) is never made to look finished and is no frame of the encoder's own either: `failure` is set, and from then on `push` returns nothing.
 * The caller ends the stream with the protocol's error.
 */
export interface StreamEncoder {
  push(event: NeutralEvent): string
  /** Why the answer cannot be told to its end, in a sentence for the client. */
  readonly failure?: string | undefined
  /** Our error as the end of this stream, where that depends on what was sent before; absent: ErrorFormat.renderStreamError. */
  fail?(error: GatewayError, requestId: string): string
}

export interface RawEdits {
  /** Replace the top-level `model` by this. */
  readonly model: string
  /** Ask the provider for usage in the stream, whatever the client said. */
  readonly forceUsage: boolean
  /** Set (or lower) the limit on output tokens to this. */
  readonly maxTokens?: number
  /** Values for top-level fields that the client left out. */
  readonly defaults?: JsonObject
  readonly chat?: ChatDialect
}

/** Surgery on same-protocol traffic: only the bytes that must change are changed. */
export interface RawRoad {
  /** `scanned` is the one of RequestFacts: the body is not scanned twice. */
  request(scanned: ScannedObject, edits: RawEdits): Buffer
  /**
   * Whole unary answer: masks the model, reads usage and finish. `observed.complete` only when the body is a readable answer of the protocol: a JSON object without
   * duplicate top-level keys that has its `choices` (OpenAI chat) or `content` (Anthropic) as an array. Anything else (HTML, half a body, `[]`, null, nothing) comes
   * back as it is, with `complete` false and `usage` absent: it may name the real model and is not for the client.
   */
  response(body: Buffer, edits: { readonly model: string }): { readonly body: Buffer; readonly observed: Observed }
  createTap(edits: {
    readonly model: string
    readonly includeUsage: boolean
    /** How many answers were asked for; the stream is complete when so many have finished. */
    readonly choices?: number
  }): RawTap
}

/** Reads a same-protocol stream as it passes. Bounded: an event larger than `maxFrameBytes` (sse.ts) ends the stream with an error. */
export interface RawTap {
  /** Bytes from the provider → bytes for the client: whole frames only, the model masked, our own usage frame removed if the client did not ask. May be empty. */
  push(chunk: Buffer): Buffer
  /** Upstream ended: what is left, if anything. */
  finish(): Buffer
  readonly observed: Observed
  /** As StreamEncoder.fail. */
  fail?(error: GatewayError, requestId: string): string
}

/** What the meter learns from an answer. */
export interface Observed {
  usage?: Usage
  /** `usage` is our own count, because the provider tells none: charged as an estimate, within the hold. */
  estimated?: boolean
  /** Characters of text, reasoning and arguments delivered so far; the base of an estimate when usage never comes. */
  deliveredChars: number
  /** A terminal mark was seen (finish reason, message_stop, [DONE]): the answer is complete. */
  complete: boolean
  finish?: string
  /** The provider reported an error inside the stream. */
  failure?: ProviderFailure
  /** The provider's id of the answer. */
  upstreamId?: string
}
