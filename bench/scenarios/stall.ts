import { requestTo } from '../candidates/candidate.ts'
import { benchModels } from '../lib/bodies.ts'
import { eventually, residentKb, upstreamState } from '../lib/processes.ts'
import { number } from '../lib/report.ts'
import type { Findings } from '../lib/report.ts'
import type { Scenario } from './scenario.ts'

const READERS = 20
const EVENTS = 50 * 64

/** Clients that ask for 50 MB and do not read: what each costs while it stalls, and that nothing is lost when it reads on. */
export const stall: Scenario = {
  id: 'stall',
  title: 'stalled readers',
  async run(context): Promise<Findings> {
    const gateway = await context.freshGateway()
    const what = `reader of 50 MB that stalls (${READERS} at once): resident memory each`
    const target = '≤ 512 KB'
    if (!gateway) return { rows: [{ what, target, measured: '–', pass: null }], tables: [] }
    const { load, mock } = context
    const request = requestTo(gateway, 'openai', benchModels.big, { stream: true })
    // Once through, so that the heap has the size that a long answer gives it.
    await load.load({ op: 'stall', request, count: 1 })
    await load.load({ op: 'read-stalled', timeoutMs: 60_000 })
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const before = residentKb(gateway.pid)
    const { statuses } = await load.load({ op: 'stall', request, count: READERS })
    await new Promise((resolve) => setTimeout(resolve, 3000))
    const each = (residentKb(gateway.pid) - before) / READERS
    const read = await load.load({ op: 'read-stalled', timeoutMs: 60_000 })
    const closed = await eventually(5000, async () => (await upstreamState(mock)).openStreams === 0)
    await gateway.stop()
    const whole = read.complete && read.events === EVENTS && statuses.every((status) => status === 200)
    return {
      rows: [
        { what, target, measured: `${number(each, 0)} KB`, pass: each <= 512 },
        {
          what: 'stalled reader that reads on gets everything; those that leave free their calls',
          target: 'yes',
          measured: `${whole ? 'whole' : `${read.events} of ${EVENTS} events`}, ${closed ? 'all freed' : 'calls left open'}`,
          pass: whole && closed,
        },
      ],
      tables: [],
    }
  },
}
