import type { JsonObject } from '../neutral/index.ts'
import { type Call, refusalPart, textPart } from './answer-items.ts'

export type PartKind = 'output_text' | 'refusal'

/** The part of a message that is being written. */
export interface OpenPart {
  readonly kind: PartKind
  text: string
  readonly annotations: JsonObject[]
  /** Sources of the whole text, whose end is not known yet. */
  readonly owed: JsonObject[]
}

export interface OpenMessage {
  readonly type: 'message'
  readonly id: string
  readonly index: number
  readonly parts: JsonObject[]
  part: OpenPart | undefined
}
export interface OpenReasoning {
  readonly type: 'reasoning'
  readonly id: string
  readonly index: number
  text: string
  sealed: string | undefined
  stopped: boolean
}
export interface OpenCall {
  readonly type: 'call'
  readonly id: string
  readonly index: number
  readonly call: Call
  text: string
  stopped: boolean
}

export const made = ({ kind, text, annotations }: OpenPart): JsonObject =>
  kind === 'refusal' ? refusalPart(text) : textPart(text, annotations)
