import type { Extensions, JsonObject, OpaquePart, ProtocolId } from './request.ts'
import type { Finish } from './finish.ts'
import type { Usage } from './usage.ts'

/** A block of an answer, whole. The same kinds as the blocks of a stream (event.ts). */
export type Block =
  | { readonly kind: 'text'; readonly text: string; readonly citations?: readonly JsonObject[] }
  | { readonly kind: 'refusal'; readonly text: string }
  | {
      readonly kind: 'thinking'
      readonly text: string
      readonly signature?: string
      readonly redacted?: string
      readonly signedBy?: ProtocolId
      readonly id?: string
    }
  | {
      readonly kind: 'tool-call'
      readonly id: string
      readonly name: string
      readonly arguments: string
      readonly custom?: true
    }
  | { readonly kind: 'opaque'; readonly part: OpaquePart }

/** One answer, whole. `choices` beyond the first exist only when the client asked for several on a protocol that has them. */
export interface NeutralResponse {
  readonly id: string
  readonly model: string
  /** Seconds since the epoch, where the provider tells. */
  readonly created?: number
  readonly choices: readonly { readonly blocks: readonly Block[]; readonly finish: Finish }[]
  /** Absent when the provider did not report any. */
  readonly usage?: Usage
  readonly extensions?: Extensions
}
