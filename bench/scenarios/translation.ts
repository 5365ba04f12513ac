import { execFileSync } from 'node:child_process'
import { protocols, providerProtocols } from '../../src/core/protocols/index.ts'
import { recordingsPresent } from '../../test/support/recordings.ts'
import { cores, pinned } from '../lib/processes.ts'
import { number } from '../lib/report.ts'
import type { Findings } from '../lib/report.ts'
import type { TranslationCost } from '../processes/translation.ts'
import type { Standalone } from './scenario.ts'

const perEvent = 10
const perRequest = 150

const file = new URL('../processes/translation.ts', import.meta.url).pathname

/** A process for each pair, so that none runs code that another has warmed or spoilt. */
const costOf = (client: string, provider: string): TranslationCost => {
  const [command, args] = pinned(cores.candidate, [process.execPath, file, client, provider])
  return JSON.parse(
    execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }),
  ) as TranslationCost
}

const shown = (value: number | null, digits: number): string => (value === null ? '–' : number(value, digits))

/** What the neutral form costs between every two protocols. */
export const translation: Standalone = {
  id: 'translation',
  title: 'translation between protocols',
  async run(): Promise<Findings> {
    if (!recordingsPresent) {
      console.error('translation is left out: there are no recordings beside the repository (../shared/fixtures)')
      return { rows: [], tables: [] }
    }
    const pairs = protocols.flatMap((client) =>
      providerProtocols
        .filter((provider) => provider.id !== client.id)
        .map((provider) => [client.id, provider.id] as const),
    )
    const costs = pairs.map(([client, provider]) => ({ client, provider, cost: costOf(client, provider) }))
    const worst = (of: (cost: TranslationCost) => number | null): number =>
      Math.max(...costs.map(({ cost }) => of(cost) ?? 0))
    const events = Math.max(
      worst(({ textEvent }) => textEvent),
      worst(({ toolEvent }) => toolEvent),
    )
    const request = worst((cost) => (cost.request * 20_000) / cost.requestBytes)
    const goal = (what: string, value: number, most: number) => ({
      what,
      target: `≤ ${most} µs`,
      measured: `${number(value, 1)} µs`,
      pass: value <= most,
    })
    return {
      rows: [
        goal('translation, slowest pair: an event of a stream', events, perEvent),
        goal('translation, slowest pair: a request of 20 KB', request, perRequest),
      ],
      tables: [
        {
          title: 'Translation, µs',
          head: ['client', 'provider', 'event, text', 'event, tools', 'request, 20 KB', 'added to the first byte'],
          lines: costs.map(({ client, provider, cost }) => [
            client,
            provider,
            shown(cost.textEvent, 1),
            shown(cost.toolEvent, 1),
            shown((cost.request * 20_000) / cost.requestBytes, 0),
            shown(cost.firstByte, 0),
          ]),
        },
      ],
    }
  },
}
