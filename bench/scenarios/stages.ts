import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requestTo } from '../candidates/candidate.ts'
import { benchModels } from '../lib/bodies.ts'
import { microsecondsByStage } from '../lib/cpu-profile.ts'
import type { CpuProfile } from '../lib/cpu-profile.ts'
import { cores } from '../lib/processes.ts'
import { number } from '../lib/report.ts'
import type { Findings, Table } from '../lib/report.ts'
import type { Scenario } from './scenario.ts'

const IDLE = 'idle'
const NODE = 'node:http in front, event loop, system calls'

/** From the path of the compiled file to the stage of a request; the order matters. */
const stageNames: readonly (readonly [pattern: RegExp, stage: string])[] = [
  [/node_modules\/undici\//, 'call to the provider (undici, sockets)'],
  [/dist\/core\/upstream\//, 'call to the provider: deadlines, guard, pools'],
  [/dist\/daemon\/proxy\//, 'proxy plane: route, headers, body, answer'],
  [/dist\/core\/protocols\//, 'protocol: scan, splice, usage'],
  [/dist\/core\/keys\//, 'key'],
  [/dist\/core\/(catalog|provider-kinds)\//, 'model and target'],
  [/dist\/core\/limits\//, 'limits'],
  [/dist\/core\/pricing\//, 'price'],
  [/dist\/core\/exchange\//, 'exchange: admission, relay, settlement'],
  [/dist\/core\/ledger\//, 'ledger'],
  [/dist\/core\/storage\/|better-sqlite3/, 'storage'],
  [/dist\/core\/kernel\//, 'ids, money, clock'],
  [/dist\/daemon\/|dist\/cli\/|node_modules\//, 'everything else'],
]

const stageOf = (url: string, functionName: string): string | null => {
  if (functionName === '(idle)') return IDLE
  if (functionName === '(garbage collector)') return 'garbage collection'
  return stageNames.find(([pattern]) => pattern.test(url))?.[1] ?? null
}

/** Idle threads of the runtime and the like do nothing worth a row. */
const tableOf = (title: string, profile: CpuProfile, requests: number): Table => {
  const totals = microsecondsByStage(profile, stageOf, NODE)
  totals.delete(IDLE)
  const sum = [...totals.values()].reduce((all, one) => all + one, 0)
  const lines = [...totals]
    .toSorted((a, b) => b[1] - a[1])
    .map(([stage, us]) => [stage, number(us / requests, 1), `${number((us / sum) * 100, 0)} %`])
  return {
    title,
    head: ['stage', 'µs/request', 'share'],
    lines: [...lines, ['together', number(sum / requests, 1), '']],
  }
}

/** Where the time of one request goes: a CPU profile of every thread at saturation. */
export const stages: Scenario = {
  id: 'stages',
  title: 'what one request costs, stage by stage',
  async run({ load, freshGateway, sliceMs, warmupMs }): Promise<Findings> {
    const folder = mkdtempSync(join(tmpdir(), 'bench-profile-'))
    // Threads on one core would be charged for the time in which another one ran: here each may have its own.
    const core = cores.shared ? {} : { core: '0,1' }
    const gateway = await freshGateway({
      ...core,
      nodeOptions: ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=250'],
    })
    if (!gateway) return { rows: [], tables: [] }
    const request = requestTo(gateway, 'openai', benchModels.unary)
    // Long, because starting and setting up are in the profile as well ("everything else").
    const durationMs = Math.max(8000, 4 * sliceMs)
    const { perSecond } = await load.load({ op: 'closed', request, connections: 32, warmupMs, durationMs })
    await gateway.stop()
    const requests = perSecond * ((durationMs + warmupMs) / 1000)
    const tables = readdirSync(folder)
      .map((name) => ({ thread: Number(/^CPU\.\d+\.\d+\.\d+\.(\d+)\./.exec(name)?.[1]), name }))
      .toSorted((a, b) => a.thread - b.thread)
      .map(({ thread, name }) => ({
        thread,
        profile: JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile,
      }))
      .filter(({ profile }) => busy(profile) / requests >= 1)
      .map(({ thread, profile }) =>
        tableOf(`One request (0.5 KB, unary, at saturation) on ${threadName(thread)}`, profile, requests),
      )
    rmSync(folder, { recursive: true, force: true })
    return { rows: [], tables }
  },
}

const threadName = (thread: number): string =>
  thread === 0 ? 'the serving thread' : `thread ${thread} (writer and reader of the databases, logs)`

const busy = (profile: CpuProfile): number =>
  [...microsecondsByStage(profile, stageOf, NODE)].reduce((sum, [stage, us]) => (stage === IDLE ? sum : sum + us), 0)
