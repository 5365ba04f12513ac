import { requestTo } from '../candidates/candidate.ts'
import { benchModels } from '../lib/bodies.ts'
import { cores } from '../lib/processes.ts'
import { number } from '../lib/report.ts'
import type { Findings } from '../lib/report.ts'
import type { Scenario } from './scenario.ts'

/** Reports over the usage log while requests run: the serving thread must not notice. */
export const reportLoad: Scenario = {
  id: 'report',
  title: 'a report over the usage log under load',
  async run({ gateway, load, sliceMs, warmupMs }): Promise<Findings> {
    const what = 'event-loop delay p99 while reports run over the usage log, 1 000 requests/s'
    if (!gateway) return { rows: [{ what, target: '≤ 20 ms', measured: '–', pass: null }], tables: [] }
    const request = requestTo(gateway, 'openai', benchModels.unary)
    const durationMs = Math.max(4000, 2 * sliceMs)
    await gateway.loopDelay?.()
    const loop = load.load({
      op: 'open',
      request,
      rate: 1000,
      maxConnections: 128,
      warmupMs,
      durationMs,
      spin: !cores.shared,
    })
    const state = { running: true }
    const finished = loop.finally(() => (state.running = false))
    let reports = 0
    for (; state.running; reports++) await gateway.command('usage', reports % 2 === 0 ? 'summary' : 'daily')
    const { times, errors } = await finished
    const delay = (await gateway.loopDelay?.())?.p99 ?? null
    const measured = `${reports} reports; requests p50 ${number(times.p50)}, p99 ${number(times.p99)} ms, ${errors} errors`
    return {
      rows: [
        {
          what,
          target: '≤ 20 ms',
          measured: `${delay === null ? '–' : `${number(delay)} ms`}; ${measured}`,
          pass: delay === null ? null : delay <= 20 && errors === 0,
        },
      ],
      tables: [],
    }
  },
}
