import type { Candidate, CandidateName } from '../candidates/candidate.ts'
import type { GatewayCandidate, GatewayOptions } from '../candidates/gateway.ts'
import type { Worker } from '../lib/processes.ts'
import type { Findings } from '../lib/report.ts'

export interface BenchContext {
  readonly mock: Worker
  readonly load: Worker
  readonly candidates: Partial<Record<CandidateName, Candidate>>
  readonly gateway: GatewayCandidate | null
  /** A second gateway on an empty data directory, for what must not see the traffic of other runs. */
  freshGateway(options?: GatewayOptions): Promise<GatewayCandidate | null>
  readonly rounds: number
  readonly sliceMs: number
  readonly warmupMs: number
}

export interface Scenario {
  readonly id: string
  readonly title: string
  run(context: BenchContext): Promise<Findings>
}

/** A scenario that runs by itself. */
export type Standalone = Omit<Scenario, 'run'> & { run(): Promise<Findings> }

/**
 * Short slices side by side: every round measures each candidate once, each round in another order, so that a disturbance of the machine meets all of them and
 * ratios are taken within a round.
 */
export const paired = async <Result>(
  { candidates, rounds }: BenchContext,
  names: readonly CandidateName[],
  measure: (candidate: Candidate) => Promise<Result>,
): Promise<Partial<Record<CandidateName, Result[]>>> => {
  const present = names.filter((name) => candidates[name])
  const results: Partial<Record<CandidateName, Result[]>> = {}
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < present.length; i++) {
      const name = present[(i + round) % present.length]!
      const list = (results[name] ??= [])
      list.push(await measure(candidates[name]!))
    }
  }
  return results
}

/** Round by round, one list against the other. */
export const perRound = <Result>(
  left: readonly Result[] | undefined,
  right: readonly Result[] | undefined,
  compare: (left: Result, right: Result) => number,
): number[] => (left && right ? left.map((result, round) => compare(result, right[round]!)) : [])
