/**
 * The neutral form of a request: what every protocol we speak can say, in nobody's field names. What only one vendor can say travels in `extensions`.
 * A codec decodes its client's request into this and encodes it for its own kind of provider (design: docs/architecture.md, "Two roads").
 */
export type ProtocolId = 'openai-chat' | 'openai-responses' | 'anthropic-messages' | 'gemini' | 'bedrock-converse'

export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject
export interface JsonObject {
  [key: string]: JsonValue
}

/** Marks that a prefix up to here should be cached by the provider. `ttl` as the client wrote it. */
export interface CacheMark {
  readonly ttl?: '5m' | '30m' | '1h' | '12h'
}

/** Bytes given inline (base64), by URL, or by an id that only one provider knows. */
export type Source =
  | { readonly from: 'base64'; readonly mediaType: string; readonly data: string }
  | { readonly from: 'url'; readonly url: string }
  | { readonly from: 'file'; readonly id: string; readonly protocol: ProtocolId }
  | { readonly from: 'text'; readonly text: string; readonly mediaType: string }

/** Where in the client's body a part came from, for errors and warnings: `messages[3].content[1]`. */
interface Located {
  readonly path?: string
  readonly cache?: CacheMark
  readonly extensions?: Extensions
}

/** Vendor-only fields by protocol; restored when the target speaks that protocol, else reported as dropped. */
export type Extensions = { readonly [protocol in ProtocolId]?: JsonObject }

export interface TextPart extends Located {
  readonly type: 'text'
  readonly text: string
}
export interface ImagePart extends Located {
  readonly type: 'image'
  readonly source: Source
  readonly detail?: 'auto' | 'low' | 'high'
}
export interface DocumentPart extends Located {
  readonly type: 'document'
  readonly source: Source
  readonly title?: string
}
export interface AudioPart extends Located {
  readonly type: 'audio'
  readonly source: Source
}
export interface RefusalPart extends Located {
  readonly type: 'refusal'
  readonly text: string
}
/**
 * Reasoning shown by a model. `signature` is the sealed state of the model that made it; `signedBy` says whose. A redacted block has `text: ''` and `redacted`.
 * A signature always rides in a thinking part, also where a protocol signs something else (Gemini signs calls and texts): then the text is '' and the part stands
 * directly in front of what was signed, or last in the message when the signature closed it.
 */
export interface ThinkingPart extends Located {
  readonly type: 'thinking'
  readonly text: string
  readonly signature?: string
  readonly redacted?: string
  readonly signedBy?: ProtocolId
  /** The provider's own id of the reasoning, where its signature is only accepted together with it (Responses: `rs_…`). */
  readonly id?: string
}
export interface ToolCallPart extends Located {
  readonly type: 'tool-call'
  readonly id: string
  readonly name: string
  /** A call of a free-text tool (CustomTool): `arguments` is its input as it is, no JSON. */
  readonly custom?: true
  /** The arguments as the client wrote them: JSON text, possibly empty or broken. Targets that need an object parse it and refuse with the path. */
  readonly arguments: string
}
export interface ToolResultPart extends Located {
  readonly type: 'tool-result'
  readonly callId: string
  readonly content: readonly (TextPart | ImagePart | DocumentPart | OpaquePart)[]
  readonly isError?: boolean
}
/** Something only `protocol` understands (server tool blocks, search results, …): restored there, refused elsewhere with its path. */
export interface OpaquePart extends Located {
  readonly type: 'opaque'
  readonly protocol: ProtocolId
  readonly value: JsonObject
}

export type Part =
  | TextPart
  | ImagePart
  | DocumentPart
  | AudioPart
  | RefusalPart
  | ThinkingPart
  | ToolCallPart
  | ToolResultPart
  | OpaquePart

export interface NeutralMessage {
  /** `system` here is a mid-conversation instruction; leading ones are in `NeutralRequest.system`. Tool results are parts of `user` messages. */
  readonly role: 'user' | 'assistant' | 'system'
  readonly parts: readonly Part[]
  readonly name?: string
  readonly path?: string
  readonly extensions?: Extensions
}

export interface NeutralTool {
  readonly type: 'function'
  readonly name: string
  readonly description?: string
  /** JSON Schema of the arguments, key order kept; absent when the tool takes none. */
  readonly schema?: JsonObject
  readonly strict?: boolean
  readonly cache?: CacheMark
  readonly path?: string
  readonly extensions?: Extensions
}

/** A tool whose input is free text (OpenAI's `custom`). Protocols without it get a function with one string (tool-forms.ts); a grammar cannot cross. */
export interface CustomTool {
  readonly type: 'custom'
  readonly name: string
  readonly description?: string
  /** OpenAI's `format` when it is a grammar. */
  readonly grammar?: JsonObject
  readonly path?: string
  readonly extensions?: Extensions
}

/** Search of the web by the provider. Domains and places as far as the target knows them; results come as text with citations. */
export interface WebSearchTool {
  readonly type: 'web-search'
  readonly allowedDomains?: readonly string[]
  readonly blockedDomains?: readonly string[]
  readonly location?: {
    readonly city?: string
    readonly region?: string
    readonly country?: string
    readonly timezone?: string
  }
  /** Anthropic's `max_uses`. */
  readonly maxUses?: number
  readonly contextSize?: 'low' | 'medium' | 'high'
  /** The tool as the client wrote it, restored on the same protocol. */
  readonly original: { readonly protocol: ProtocolId; readonly value: JsonObject }
  readonly path?: string
}

/** A tool that only one protocol knows (hosted or vendor-defined): restored there, refused elsewhere. */
export interface OpaqueTool {
  readonly type: 'opaque'
  readonly protocol: ProtocolId
  readonly value: JsonObject
  readonly path?: string
}

export type ToolChoice =
  | { readonly mode: 'auto' | 'none' | 'required' }
  | { readonly mode: 'tool'; readonly name: string }
  | { readonly mode: 'subset'; readonly names: readonly string[]; readonly required: boolean }

export type Effort = 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max'

export interface Reasoning {
  readonly effort?: Effort
  readonly budgetTokens?: number
  /** `on` with neither effort nor budget means adaptive. */
  readonly mode?: 'off' | 'on' | 'adaptive'
  readonly display?: 'summarized' | 'omitted'
}

export type OutputFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json' }
  | {
      readonly type: 'schema'
      readonly schema: JsonObject
      readonly name?: string
      readonly description?: string
      readonly strict?: boolean
      /** Where the client wrote the schema, if that has a name of its own there. */
      readonly path?: string
    }

export interface NeutralRequest {
  readonly protocol: ProtocolId
  readonly model: string
  readonly stream: boolean
  /** Whether the client asked for a usage report inside its stream (OpenAI chat); always true where the protocol reports usage anyway. */
  readonly includeUsage: boolean
  readonly system: readonly TextPart[]
  readonly messages: readonly NeutralMessage[]
  readonly tools: readonly (NeutralTool | CustomTool | WebSearchTool | OpaqueTool)[]
  readonly toolChoice?: ToolChoice
  readonly parallelToolCalls?: boolean
  readonly maxTokens?: number
  readonly stop?: readonly string[]
  readonly choices?: number
  readonly format?: OutputFormat
  readonly reasoning?: Reasoning
  readonly temperature?: number
  readonly topP?: number
  readonly topK?: number
  readonly seed?: number
  readonly presencePenalty?: number
  readonly frequencyPenalty?: number
  readonly logitBias?: JsonObject
  readonly logprobs?: { readonly top?: number }
  readonly verbosity?: 'low' | 'medium' | 'high'
  readonly user?: string
  readonly metadata?: JsonObject
  readonly serviceTier?: string
  readonly extensions?: Extensions
}
