import type { ChatDialect } from '../protocols/openai-chat/dialect.ts'
import type { ProtocolId } from '../protocols/neutral/index.ts'

/** A kind of vendor or server, as data: what it speaks, where it is, how it wants to be called. One file and one line in index.ts each. */
export interface ProviderKind {
  readonly id: string
  readonly title: string
  /** Protocols it speaks, the preferred first. */
  readonly speaks: readonly ProtocolId[]
  /** With its version segment, without trailing slash; null when the operator must give one. */
  readonly baseUrl: string | null
  /** Whether it works without a key. */
  readonly keyless: boolean
  /** Headers of a call: credentials and what the vendor demands. `client` are the client's own headers that may pass (lower case). */
  headers(call: {
    readonly protocol: ProtocolId
    readonly secret: string | null
    readonly client: Readonly<Record<string, string>>
  }): Record<string, string>
  /** Names of client headers that may pass to it. */
  readonly forwardHeaders: readonly string[]
  /**
   * Same-protocol traffic passes byte for byte. False for servers whose answers need repair; they take the road through the neutral form.
   */
  readonly raw: boolean
  /** Where its Chat Completions differ from OpenAI's in what they accept. */
  readonly chat?: ChatDialect
  /** Where its documentation of the protocol is. */
  readonly docs: string
}
