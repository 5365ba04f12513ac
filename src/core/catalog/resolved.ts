import type { FrozenPrice } from '../ledger/commands.ts'
import type { JsonObject, ProtocolId } from '../protocols/neutral/index.ts'
import type { Quirks } from '../protocols/openai-chat/quirks.ts'
import type { ProviderKind, Settings } from '../provider-kinds/provider-kind.ts'
import type { Strategy } from './strategies.ts'

export type { Strategy } from './strategies.ts'

/** The catalogue as the path of a request sees it: immutable, in memory, rebuilt as a whole when its revision moves. */
export interface Catalog {
  resolve(name: string): ResolvedModel | undefined
  /** Enabled models, by name. */
  list(): readonly ResolvedModel[]
}

export interface ResolvedModel {
  readonly id: string
  readonly name: string
  readonly free: boolean
  readonly contextWindow: number | null
  readonly maxOutputTokens: number | null
  /** Values for fields the client leaves out, in the client's protocol's own names. */
  readonly defaults: JsonObject
  /** Upper bounds by field name: `{"max_tokens": 4096}`. */
  readonly caps: JsonObject
  /** What happens to things that the target's protocol cannot say exactly. */
  readonly crossing: { readonly strict: boolean; readonly dropUnsupportedTools: boolean }
  readonly createdAt: number
  /** How the target of an attempt is chosen. */
  readonly strategy: Strategy
  /** The price in force at `now`; null when there is none. */
  priceAt(now: number): { readonly id: string; readonly price: FrozenPrice } | null
  /** By priority, then weight. */
  readonly targets: readonly Target[]
}

export interface Target {
  readonly id: string
  readonly provider: ResolvedProvider
  /** The real model's name. Never shown to clients. */
  readonly model: string
  readonly weight: number
  readonly priority: number
}

export interface ResolvedProvider {
  readonly id: string
  readonly name: string
  readonly kind: ProviderKind
  /** With its version segment, without trailing slash: `https://api.openai.com/v1`. A query is sent with every call. */
  readonly baseUrl: string
  readonly speaks: readonly ProtocolId[]
  /** How its Chat Completions differ from OpenAI's: its kind's, as the operator switched them. */
  readonly quirks: Quirks
  /** What filled the braces of its kind's base URL. */
  readonly settings: Settings
  /** Hosts that may resolve to private addresses. */
  readonly allowPrivate: readonly string[]
  readonly timeoutMs: number | null
  /** Enabled keys, opened. Empty for providers that need none. */
  readonly keys: readonly { readonly id: string; readonly secret: string; readonly weight: number }[]
}
