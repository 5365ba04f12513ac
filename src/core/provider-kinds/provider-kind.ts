import type { QuirkId } from '../protocols/openai-chat/quirks.ts'
import type { ProtocolId } from '../protocols/neutral/index.ts'

/** A kind of vendor or server, as data: what it speaks, where it is, how it wants to be called. One file and one line in index.ts each. */
export interface ProviderKind {
  readonly id: string
  readonly title: string
  /** Protocols it speaks, the preferred first. */
  readonly speaks: readonly ProtocolId[]
  /** With its version segment, without trailing slash; null when the operator must give one. May hold `{settings}`. */
  readonly baseUrl: string | null
  /** What fills the braces of `baseUrl` when a provider is added: `--set region=us-east-1`. Values are lower-case letters, digits and dashes. */
  readonly settings?: readonly KindSetting[]
  /** The base URL for these settings, where filling the braces is not enough. */
  addressFor?(settings: Settings): string | undefined
  /** Names of query parameters that its base URL may have; they are sent with every call. */
  readonly query?: readonly string[]
  /** How it authenticates, for people: `Authorization: Bearer`. */
  readonly auth: string
  /** Whether it works without a key. */
  readonly keyless: boolean
  /** A secret as it is kept, where it is not a line of characters without blanks. Throws a sentence for the operator when it is not of the right form. */
  readSecret?(text: string): string
  /** Headers of a call: credentials and what the vendor demands. `secret` is the access token where the kind has `token`. */
  headers(call: ProviderCall): Record<string, string>
  /** Names of client headers that may pass to it. */
  readonly forwardHeaders: readonly string[]
  /** How its Chat Completions differ from OpenAI's. With a quirk of answers, its answers are repaired; without, bytes of the same protocol pass as they are. */
  readonly quirks?: readonly QuirkId[]
  /** Where it lists its models, when not at `/models`; null when it has no such list. `names: false`: what it lists is not what is called. */
  readonly modelList?: { readonly path?: string; readonly names?: false } | null
  /** Where one provider serves models of several vendors: the protocol that this model is called with, whatever the client speaks. */
  protocolFor?(model: string): ProtocolId | undefined
  /** Path and query below the base URL, where it is not the protocol's own. */
  path?(call: RoadCall): string | undefined
  /** The body as this kind takes the protocol (Anthropic's on Bedrock and Vertex has no model, and its version inside). */
  adaptBody?(body: Buffer, call: RoadCall): Buffer
  /** Where streams are no server-sent events: turns them into such, piece by piece. */
  unframe?(call: RoadCall): Unframer | undefined
  /** Where the secret is exchanged for short-lived access tokens. */
  readonly token?: TokenExchange
  /** Where each request is signed: all headers that the signature adds. Throws a sentence for the operator when the secret or a setting is not of the right form. */
  sign?(request: UnsignedRequest): Promise<Readonly<Record<string, string>>>
  /** Where its documentation of the protocol is. */
  readonly docs: string
}

export type Settings = Readonly<Record<string, string>>

export interface KindSetting {
  readonly name: string
  readonly title: string
}

/** What is known of a call when its road is built. */
export interface RoadCall {
  readonly protocol: ProtocolId
  /** The real model's name. */
  readonly model: string
  readonly stream: boolean
  /** As it was saved, with its query. */
  readonly baseUrl: string
  /** The client's own headers that may pass (lower case). */
  readonly client: Readonly<Record<string, string>>
}

export interface ProviderCall extends Omit<RoadCall, 'baseUrl'> {
  readonly secret: string | null
}

export interface Unframer {
  /** Bytes of the provider → whole server-sent events. Throws when they are not what they should be. */
  push(chunk: Buffer): Buffer
  /** Upstream ended: what is owed; a torn frame is dropped. */
  finish(): Buffer
}

/** How an access token is bought with a secret (OAuth 2.0); the call itself is made by core/upstream. */
export interface TokenExchange {
  /** Throws a sentence for the operator when the secret is not of the right form. */
  request(secret: string, nowMs: number): { readonly url: string; readonly body: string }
  /** `expiresIn` in seconds. Throws when the answer holds no token. */
  read(body: Buffer): { readonly token: string; readonly expiresIn: number }
}

export interface UnsignedRequest {
  readonly method: 'POST' | 'GET' | 'DELETE'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly secret: string
  readonly settings: Settings
  /** Milliseconds since the epoch. */
  readonly now: number
}
