import type { Dialect } from '../lib/bodies.ts'
import { chatBody } from '../lib/bodies.ts'
import type { LoopDelay } from '../lib/loop-delay.ts'
import type { LoadRequest } from '../lib/load-protocol.ts'

export type CandidateName = 'direct' | 'bare' | 'gateway' | 'portkey'

/** Something that requests can be sent to, and that in the end asks the same mock provider. */
export interface Candidate {
  readonly name: CandidateName
  readonly pid: number
  readonly port: number
  headers(dialect: Dialect): Readonly<Record<string, string>>
  /** The name under which the candidate knows a model of the mock provider. */
  modelName(dialect: Dialect, model: string): string
  /** How late the loop of its serving thread was since the last call; null where there is nothing to watch. */
  readonly loopDelay: (() => Promise<LoopDelay>) | null
  stop(): Promise<void>
}

export const paths = { openai: '/v1/chat/completions', anthropic: '/v1/messages' } as const

export const requestTo = (
  candidate: Candidate,
  dialect: Dialect,
  model: string,
  options: { readonly bytes?: number; readonly stream?: boolean } = {},
): LoadRequest => ({
  port: candidate.port,
  path: paths[dialect],
  headers: candidate.headers(dialect),
  body: chatBody(dialect, candidate.modelName(dialect, model), options.bytes ?? 500, options.stream),
})
