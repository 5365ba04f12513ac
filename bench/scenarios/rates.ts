import { requestTo } from '../candidates/candidate.ts'
import type { CandidateName } from '../candidates/candidate.ts'
import { benchModels } from '../lib/bodies.ts'
import { cores } from '../lib/processes.ts'
import { number, spread } from '../lib/report.ts'
import type { Findings } from '../lib/report.ts'
import { median } from '../lib/stats.ts'
import { paired, perRound } from './scenario.ts'
import type { BenchContext, Scenario } from './scenario.ts'

const atRate = (context: BenchContext, rate: number, names: readonly CandidateName[]) =>
  paired(context, names, async (candidate) => {
    const request = requestTo(candidate, 'openai', benchModels.unary)
    const { load, warmupMs, sliceMs } = context
    const durationMs = Math.max(sliceMs, 600_000 / rate)
    return load.load({ op: 'open', request, rate, maxConnections: 128, warmupMs, durationMs, spin: !cores.shared })
  })

export const rates: Scenario = {
  id: 'rates',
  title: 'fixed rates',
  async run(context): Promise<Findings> {
    await context.gateway?.loopDelay?.()
    const fast = await atRate(context, 1000, ['direct', 'bare', 'gateway'])
    const slow = await atRate(context, 300, ['direct', 'gateway', 'portkey'])
    const addedP50 = perRound(fast.gateway, fast.direct, (ours, base) => ours.times.p50 - base.times.p50)
    const addedP99 = perRound(fast.gateway, fast.direct, (ours, base) => ours.times.p99 - base.times.p99)
    const share = perRound(slow.portkey, slow.gateway, (theirs, ours) => theirs.times.p99 / ours.times.p99)
    const delay = (await context.gateway?.loopDelay?.())?.p99 ?? null
    const known = addedP50.length > 0
    const tables = [
      { rate: 1000, results: fast },
      { rate: 300, results: slow },
    ].map(({ rate, results }) => ({
      title: `${rate} requests/s, Poisson, times from the intended arrival`,
      head: ['', 'p50 ms', 'p99 ms', 'max ms', 'answered/s', 'errors'],
      lines: Object.entries(results).map(([name, slices]) => [
        name,
        spread(
          slices.map((one) => one.times.p50),
          3,
        ),
        spread(slices.map((one) => one.times.p99)),
        number(Math.max(...slices.map((one) => one.times.max)), 1),
        number(median(slices.map((one) => one.perSecond)), 0),
        String(slices.reduce((sum, one) => sum + one.errors, 0)),
      ]),
    }))
    return {
      rows: [
        {
          what: '1 000 requests/s: added p50',
          target: '≤ 1 ms',
          measured: known ? spread(addedP50, 3, ' ms') : '–',
          pass: known ? median(addedP50) <= 1 : null,
        },
        {
          what: '1 000 requests/s: added p99',
          target: '≤ 8 ms',
          measured: known ? spread(addedP99, 2, ' ms') : '–',
          pass: known ? median(addedP99) <= 8 : null,
        },
        {
          what: '300 requests/s: p99 of portkey over ours',
          target: '≥ 8 ×',
          measured: share.length > 0 ? spread(share, 1, ' ×') : '–',
          pass: share.length > 0 ? median(share) >= 8 : null,
        },
        {
          what: 'event-loop delay p99 at fixed rates',
          target: '≤ 20 ms',
          measured: delay === null ? '–' : `${number(delay)} ms`,
          pass: delay === null ? null : delay <= 20,
        },
      ],
      tables,
    }
  },
}
