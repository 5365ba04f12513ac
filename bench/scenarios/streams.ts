import { requestTo } from '../candidates/candidate.ts'
import type { Candidate } from '../candidates/candidate.ts'
import { benchModels } from '../lib/bodies.ts'
import { cpuSeconds } from '../lib/processes.ts'
import { number, spread } from '../lib/report.ts'
import type { Findings, Table } from '../lib/report.ts'
import { median } from '../lib/stats.ts'
import { paired, perRound } from './scenario.ts'
import type { BenchContext, Scenario } from './scenario.ts'

const EVENTS = 250

interface Slice {
  readonly firstP50: number
  readonly firstP99: number
  readonly chunkP50: number
  readonly chunkP99: number
  readonly chunksPerSecond: number
  readonly cpuUs: number
  readonly core: number
  /** Event-loop delay p99, ms; NaN for `direct`. */
  readonly loop: number
  readonly lost: number
  readonly errors: number
}

/** Opens `count` streams of 50 events a second and watches the two seconds in which all of them run. */
const slice = async ({ load }: BenchContext, candidate: Candidate, count: number): Promise<Slice> => {
  const request = requestTo(candidate, 'openai', benchModels.steady, { stream: true })
  await load.load({ op: 'streams', request, count, perSecond: count, events: EVENTS })
  await load.load({ op: 'window', durationMs: 1500 })
  await candidate.loopDelay?.()
  const before = cpuSeconds(candidate.pid)
  const window = await load.load({ op: 'window', durationMs: 2000 })
  const used = cpuSeconds(candidate.pid) - before
  const loop = await candidate.loopDelay?.()
  const end = await load.load({ op: 'end', abort: false, timeoutMs: 20_000 })
  return {
    firstP50: end.firstChunkTimes.p50,
    firstP99: end.firstChunkTimes.p99,
    chunkP50: window.chunkTimes.p50,
    chunkP99: window.chunkTimes.p99,
    chunksPerSecond: window.chunksPerSecond,
    cpuUs: (used * 1e6) / Math.max(window.chunkTimes.count, 1),
    core: used / 2,
    loop: loop?.p99 ?? Number.NaN,
    lost: end.lostChunks,
    errors: end.errors,
  }
}

const table = (title: string, results: Readonly<Record<string, readonly Slice[]>>): Table => ({
  title,
  head: [
    '',
    'chunks/s',
    'first chunk p50 / p99 ms',
    'chunk p50 ms',
    'chunk p99 ms',
    'CPU µs/chunk',
    'core',
    'loop p99 ms',
    'lost',
    'errors',
  ],
  lines: Object.entries(results).map(([name, slices]) => {
    const middle = (pick: (one: Slice) => number): number => median(slices.map(pick))
    return [
      name,
      number(
        middle((one) => one.chunksPerSecond),
        0,
      ),
      `${number(middle((one) => one.firstP50))} / ${number(middle((one) => one.firstP99))}`,
      spread(
        slices.map((one) => one.chunkP50),
        3,
      ),
      spread(slices.map((one) => one.chunkP99)),
      number(
        middle((one) => one.cpuUs),
        1,
      ),
      number(middle((one) => one.core)),
      number(middle((one) => one.loop)),
      String(slices.reduce((sum, one) => sum + one.lost, 0)),
      String(slices.reduce((sum, one) => sum + one.errors, 0)),
    ]
  }),
})

export const streams: Scenario = {
  id: 'streams',
  title: 'streams',
  async run(context): Promise<Findings> {
    const calm = await paired(context, ['direct', 'bare', 'gateway', 'portkey'], (candidate) =>
      slice(context, candidate, 200),
    )
    const full = await paired(context, ['direct', 'bare', 'gateway'], (candidate) => slice(context, candidate, 500))
    const first = perRound(calm.gateway, calm.direct, (ours, base) => ours.firstP50 - base.firstP50)
    const chunk = perRound(calm.gateway, calm.direct, (ours, base) => ours.chunkP50 - base.chunkP50)
    const most = (full.gateway ?? []).map((one) => one.chunksPerSecond)
    const lost = [...(calm.gateway ?? []), ...(full.gateway ?? [])].reduce((sum, one) => sum + one.lost + one.errors, 0)
    const known = first.length > 0
    const delay = (slices: readonly Slice[] | undefined): number => median((slices ?? []).map((one) => one.loop))
    return {
      rows: [
        {
          what: '200 streams × 50/s: added first chunk p50',
          target: '≤ 4 ms',
          measured: known ? spread(first, 2, ' ms') : '–',
          pass: known ? median(first) <= 4 : null,
        },
        {
          what: '200 streams × 50/s: added chunk time p50',
          target: '≤ 0.5 ms',
          measured: known ? spread(chunk, 3, ' ms') : '–',
          pass: known ? median(chunk) <= 0.5 : null,
        },
        {
          what: '500 streams × 50/s: chunks a second',
          target: '≥ 20 000',
          measured: known ? spread(most, 0) : '–',
          pass: known ? median(most) >= 20_000 : null,
        },
        {
          what: 'streams: chunks lost, streams broken',
          target: '0',
          measured: known ? String(lost) : '–',
          pass: known ? lost === 0 : null,
        },
        {
          what: 'event-loop delay p99, 200 and 500 streams × 50/s',
          target: '≤ 20 ms',
          measured: known ? `${number(delay(calm.gateway))} and ${number(delay(full.gateway))} ms` : '–',
          pass: known ? Math.max(delay(calm.gateway), delay(full.gateway)) <= 20 : null,
        },
      ],
      tables: [table('200 streams × 50 chunks/s', calm), table('500 streams × 50 chunks/s', full)],
    }
  },
}
