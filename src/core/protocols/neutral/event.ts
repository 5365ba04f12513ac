import type { Finish } from './finish.ts'
import type { JsonObject, OpaquePart, ProtocolId } from './request.ts'
import type { Usage } from './usage.ts'

/**
 * The neutral stream. Laws that every decoder keeps and every encoder may rely on: `start` comes first; block indexes rise by one from 0 per choice; one block of a
 * choice is open at a time (a decoder buffers what would overlap); every started block stops; exactly one `finish` per choice or one `error`; `end` is last and
 * nothing follows it. `usage` may come any number of times, the latest replaces the earlier ones, and the last comes before `end`.
 */
export type NeutralEvent =
  | { readonly type: 'start'; readonly id: string; readonly model: string; readonly created?: number }
  | { readonly type: 'usage'; readonly usage: Usage }
  | { readonly type: 'block-start'; readonly choice: number; readonly index: number; readonly block: BlockStart }
  | { readonly type: 'block-delta'; readonly choice: number; readonly index: number; readonly delta: BlockDelta }
  | { readonly type: 'block-stop'; readonly choice: number; readonly index: number }
  | { readonly type: 'finish'; readonly choice: number; readonly finish: Finish }
  | { readonly type: 'error'; readonly error: ProviderFailure }
  | { readonly type: 'end' }

export type BlockStart =
  | { readonly kind: 'text' }
  | { readonly kind: 'refusal' }
  | { readonly kind: 'thinking'; readonly redacted?: string; readonly signedBy?: ProtocolId; readonly id?: string }
  /** `custom`: its arguments are free text (CustomTool). */
  | { readonly kind: 'tool-call'; readonly id: string; readonly name: string; readonly custom?: true }
  | { readonly kind: 'opaque'; readonly part: OpaquePart }

export type BlockDelta =
  | { readonly kind: 'text'; readonly text: string }
  /** A piece of the JSON text of a tool's arguments. */
  | { readonly kind: 'arguments'; readonly json: string }
  | { readonly kind: 'signature'; readonly signature: string }
  | { readonly kind: 'citation'; readonly citation: JsonObject }

/**
 * A failure told by the provider, before or inside an answer. `status` is the HTTP status or the one its error means. `message` is the provider's text, not yet
 * scrubbed. `class` decides what the client gets and whether another target may be tried.
 */
export interface ProviderFailure {
  readonly class:
    | 'client'
    | 'context-length'
    | 'content-filter'
    | 'auth'
    | 'model-not-found'
    | 'rate-limited'
    | 'overloaded'
    | 'timeout'
    | 'server'
  readonly status: number
  readonly message: string
  readonly code?: string
  readonly param?: string
  /** Seconds. */
  readonly retryAfter?: number
}
