import type { Prompt } from './prompt.ts'
import type { Reply } from './reply.ts'

/** One write of a streamed answer. `paced` ones are content: they come at the model's pace and faults are counted by them. */
export interface StreamItem {
  readonly bytes: string
  readonly paced: boolean
}

export interface Answer {
  readonly prompt: Prompt
  readonly reply: Reply
  /** Seconds since the epoch. */
  readonly created: number
}

/** How a protocol writes answers and errors. */
export interface Rendering {
  whole(answer: Answer): object
  stream(answer: Answer): readonly StreamItem[]
  error(status: number, message: string, requestId: string): object
  /** The answer of its token counter, where that is not `{input_tokens}`. */
  count?(tokens: number): object
  /** An error inside a started stream. */
  streamError(message: string, requestId: string): string
}

export const content = (bytes: string): StreamItem => ({ bytes, paced: true })
export const frame = (bytes: string): StreamItem => ({ bytes, paced: false })
