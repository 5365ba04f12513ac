import { requestTo } from '../candidates/candidate.ts'
import type { Candidate } from '../candidates/candidate.ts'
import { bare } from '../candidates/plain.ts'
import { benchModels } from '../lib/bodies.ts'
import { eventually, residentKb, upstreamState } from '../lib/processes.ts'
import { number } from '../lib/report.ts'
import type { Findings } from '../lib/report.ts'
import type { BenchContext, Scenario } from './scenario.ts'

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

interface Wave {
  readonly residentKb: number
  readonly lost: number
  readonly errors: number
  /** Streams still open at the provider after the clients have gone. */
  readonly left: number
}

/** Opens `count` streams of one event a second and looks at resident memory while all of them run. */
const wave = async (
  { load, mock }: BenchContext,
  candidate: Candidate,
  count: number,
  ending: 'abort' | 'finish',
): Promise<Wave> => {
  const request = requestTo(candidate, 'openai', ending === 'abort' ? benchModels.slow : benchModels.wave, {
    stream: true,
  })
  await load.load({ op: 'streams', request, count, perSecond: 500, events: ending === 'abort' ? 60 : 20 })
  await pause(3000)
  const resident = residentKb(candidate.pid)
  const end = await load.load({ op: 'end', abort: ending === 'abort', timeoutMs: 40_000 })
  await eventually(5000, async () => (await upstreamState(mock)).openStreams === 0)
  return {
    residentKb: resident,
    lost: end.lostChunks,
    errors: end.errors,
    left: (await upstreamState(mock)).openStreams,
  }
}

interface Memory {
  readonly idleKb: number
  readonly thousand: Wave
  readonly first: Wave
  readonly second: Wave
}

const measure = async (context: BenchContext, candidate: Candidate): Promise<Memory> => {
  const { load } = context
  const request = requestTo(candidate, 'openai', benchModels.unary)
  await load.load({ op: 'closed', request, connections: 32, warmupMs: 1500, durationMs: 1500 })
  await pause(1000)
  return {
    idleKb: residentKb(candidate.pid),
    thousand: await wave(context, candidate, 1000, 'abort'),
    first: await wave(context, candidate, 5000, 'finish'),
    second: await wave(context, candidate, 5000, 'finish'),
  }
}

export const memory: Scenario = {
  id: 'memory',
  title: 'memory of open streams',
  async run(context): Promise<Findings> {
    const own = await context.freshGateway()
    const plain = await bare(context.mock)
    const results: [string, Memory][] = []
    for (const candidate of [plain, ...(own ? [own] : [])]) {
      results.push([candidate.name, await measure(context, candidate)])
      await candidate.stop()
    }
    const ours = results.find(([name]) => name === 'gateway')?.[1]
    const each = (found: Memory, count: 1000 | 5000): number =>
      ((count === 1000 ? found.thousand : found.first).residentKb - found.idleKb) / count
    const goal = (
      what: string,
      target: string,
      value: number | undefined,
      unit: string,
      holds: (value: number) => boolean,
    ) => ({
      what,
      target,
      measured: value === undefined ? '–' : `${number(value)}${unit}`,
      pass: value === undefined ? null : holds(value),
    })
    const megabytes = (kb: number): string => number(kb / 1024, 0)
    return {
      rows: [
        goal(
          '1 000 open streams: resident memory each',
          '≤ 48 KB',
          ours && each(ours, 1000),
          ' KB',
          (value) => value <= 48,
        ),
        goal(
          '5 000 open streams: resident memory each',
          '≤ 48 KB',
          ours && each(ours, 5000),
          ' KB',
          (value) => value <= 48,
        ),
        goal(
          '5 000 open streams: second wave against the first',
          '≤ 1.1 ×',
          ours && ours.second.residentKb / ours.first.residentKb,
          ' ×',
          (value) => value <= 1.1,
        ),
        goal(
          '5 000 open streams, twice: chunks lost, streams broken',
          '0',
          ours && ours.first.lost + ours.first.errors + ours.second.lost + ours.second.errors,
          '',
          (value) => value === 0,
        ),
        goal(
          '1 000 clients that left: calls still open at the provider',
          '0',
          ours?.thousand.left,
          '',
          (value) => value === 0,
        ),
      ],
      tables: [
        {
          title: 'Resident memory, MB (KB for each stream)',
          head: ['', 'warm, idle', '1 000 streams', '5 000 streams', 'second wave of 5 000', 'lost + broken'],
          lines: results.map(([name, found]) => [
            name,
            megabytes(found.idleKb),
            `${megabytes(found.thousand.residentKb)} (${number(each(found, 1000), 0)})`,
            `${megabytes(found.first.residentKb)} (${number(each(found, 5000), 0)})`,
            megabytes(found.second.residentKb),
            String(found.first.lost + found.first.errors + found.second.lost + found.second.errors),
          ]),
        },
      ],
    }
  },
}
