import { requestTo } from '../candidates/candidate.ts'
import type { Candidate, CandidateName } from '../candidates/candidate.ts'
import { benchModels } from '../lib/bodies.ts'
import type { Dialect } from '../lib/bodies.ts'
import { cpuSeconds } from '../lib/processes.ts'
import { median, quartiles } from '../lib/stats.ts'
import { number, spread } from '../lib/report.ts'
import type { Findings, Row } from '../lib/report.ts'
import { paired, perRound } from './scenario.ts'
import type { BenchContext, Scenario } from './scenario.ts'

interface Slice {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly cpuUs: number
  readonly errors: number
  /** Share of their cores that mock and load client used: what shows that they were not the limit. */
  readonly mockShare: number
  readonly loadShare: number
}

const slice = async (
  { load, mock, warmupMs, sliceMs }: BenchContext,
  candidate: Candidate,
  shape: { readonly dialect: Dialect; readonly bytes: number; readonly connections: number },
): Promise<Slice> => {
  const request = requestTo(candidate, shape.dialect, benchModels.unary, { bytes: shape.bytes })
  const loop = { op: 'closed', request, connections: shape.connections } as const
  await load.load({ ...loop, warmupMs, durationMs: 1 })
  const pids = [candidate.pid, mock.child.pid!, load.child.pid!]
  const before = pids.map(cpuSeconds)
  const { perSecond, times, errors } = await load.load({ ...loop, warmupMs: 0, durationMs: sliceMs })
  const used = pids.map((pid, i) => cpuSeconds(pid) - before[i]!)
  return {
    perSecond,
    p50: times.p50,
    p99: times.p99,
    cpuUs: (used[0]! * 1e6) / Math.max(times.count, 1),
    errors,
    mockShare: used[1]! / (sliceMs / 1000),
    loadShare: used[2]! / (sliceMs / 1000),
  }
}

interface Goal {
  readonly against: CandidateName
  readonly atLeast: number
}

const scenario = (
  id: string,
  title: string,
  shape: { readonly dialect: Dialect; readonly bytes: number; readonly connections: number },
  goals: readonly Goal[],
): Scenario => ({
  id,
  title,
  async run(context): Promise<Findings> {
    const results = await paired(context, ['direct', 'bare', 'gateway', 'portkey'], (candidate) =>
      slice(context, candidate, shape),
    )
    const rows = goals.map(({ against, atLeast }): Row => {
      const ratios = perRound(results.gateway, results[against], (ours, theirs) => ours.perSecond / theirs.perSecond)
      return {
        what: `${title}: throughput against ${against}`,
        target: `≥ ${atLeast} ×`,
        measured: ratios.length > 0 ? spread(ratios, 2, ' ×') : '–',
        pass: ratios.length > 0 ? quartiles(ratios).median >= atLeast : null,
      }
    })
    const lines = Object.entries(results).map(([name, slices]) => [
      name,
      spread(
        slices.map((one) => one.perSecond),
        0,
      ),
      spread(perRound(slices, results.bare, (one, base) => one.perSecond / base.perSecond)),
      spread(
        slices.map((one) => one.cpuUs),
        0,
      ),
      number(median(slices.map((one) => one.p50))),
      number(median(slices.map((one) => one.p99))),
      `${number(median(slices.map((one) => one.mockShare)) * 100, 0)} / ${number(median(slices.map((one) => one.loadShare)) * 100, 0)}`,
      String(slices.reduce((sum, one) => sum + one.errors, 0)),
    ])
    const head = [
      '',
      'requests/s',
      'against bare',
      'CPU µs/request',
      'p50 ms',
      'p99 ms',
      'mock / load core %',
      'errors',
    ]
    return { rows, tables: [{ title: `${title}, closed loop of ${shape.connections}`, head, lines }] }
  },
})

export const unary = scenario('unary', 'unary, 0.5 KB', { dialect: 'openai', bytes: 500, connections: 32 }, [
  { against: 'bare', atLeast: 0.5 },
  { against: 'portkey', atLeast: 6 },
])
export const large = scenario('large', 'unary, 200 KB', { dialect: 'openai', bytes: 200_000, connections: 16 }, [
  { against: 'bare', atLeast: 0.4 },
])
export const messages = scenario(
  'messages',
  '/v1/messages, 0.5 KB',
  { dialect: 'anthropic', bytes: 500, connections: 32 },
  [{ against: 'portkey', atLeast: 6 }],
)
