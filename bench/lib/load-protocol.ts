import type { Times } from './stats.ts'

/** One request as the load client sends it, again and again. */
export interface LoadRequest {
  readonly port: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface ClosedLoop {
  readonly op: 'closed'
  readonly request: LoadRequest
  readonly connections: number
  readonly warmupMs: number
  readonly durationMs: number
}

/** Poisson arrivals at a rate per second; a time is counted from the moment the request should have been sent. */
export interface OpenLoop {
  readonly op: 'open'
  readonly request: LoadRequest
  readonly rate: number
  readonly maxConnections: number
  readonly warmupMs: number
  readonly durationMs: number
  /** Waits for the next arrival without sleeping; for a load client that has a core of its own. */
  readonly spin: boolean
}

export interface LoopResult {
  readonly perSecond: number
  readonly times: Times
  readonly errors: number
}

export interface OpenStreams {
  readonly op: 'streams'
  readonly request: LoadRequest
  readonly count: number
  readonly perSecond: number
  /** Events that each stream must bring. */
  readonly events: number
}

/** What came in while the window was open. */
export interface StreamWindow {
  readonly op: 'window'
  readonly durationMs: number
}

export interface WindowResult {
  readonly chunksPerSecond: number
  readonly chunkTimes: Times
  readonly open: number
}

/** Waits until every stream has ended, or breaks them off. */
export interface EndStreams {
  readonly op: 'end'
  readonly abort: boolean
  readonly timeoutMs: number
}

export interface EndResult {
  readonly firstChunkTimes: Times
  readonly complete: number
  readonly lostChunks: number
  readonly errors: number
  /** Status codes other than 200. */
  readonly statuses: Readonly<Record<string, number>>
}

/** Readers that take the head of an answer and then nothing. */
export interface Stall {
  readonly op: 'stall'
  readonly request: LoadRequest
  readonly count: number
}

/** The first of them reads to the end; the others leave. */
export interface ReadStalled {
  readonly op: 'read-stalled'
  readonly timeoutMs: number
}

export interface ReadResult {
  readonly bytes: number
  readonly events: number
  readonly complete: boolean
}

export type LoadCommand = ClosedLoop | OpenLoop | OpenStreams | StreamWindow | EndStreams | Stall | ReadStalled

export interface LoadResults {
  closed: LoopResult
  open: LoopResult
  streams: { readonly opened: number }
  window: WindowResult
  end: EndResult
  stall: { readonly statuses: readonly number[] }
  'read-stalled': ReadResult
}
