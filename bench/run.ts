import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Candidate, CandidateName } from './candidates/candidate.ts'
import { gateway, gatewayIsBuilt } from './candidates/gateway.ts'
import { bare, direct } from './candidates/plain.ts'
import { portkey } from './candidates/portkey.ts'
import { Worker, cores, stopAll } from './lib/processes.ts'
import { renderFindings } from './lib/report.ts'
import type { Findings, Row, Table } from './lib/report.ts'
import { memory } from './scenarios/memory.ts'
import { rates } from './scenarios/rates.ts'
import { reportLoad } from './scenarios/report-load.ts'
import type { BenchContext } from './scenarios/scenario.ts'
import { stages } from './scenarios/stages.ts'
import { stall } from './scenarios/stall.ts'
import { startUp } from './scenarios/start-up.ts'
import { streams } from './scenarios/streams.ts'
import { large, messages, unary } from './scenarios/throughput.ts'
import { translation } from './scenarios/translation.ts'

/** What needs no other process goes first. */
const standalone = [translation]
const scenarios = [unary, large, messages, rates, streams, memory, stall, reportLoad, startUp, stages]

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const usage = `npm run bench -- [--quick] [--only ${[...standalone, ...scenarios].map(({ id }) => id).join(',')}] [--write]

  --quick   fewer and shorter slices: a first look, not numbers to quote
  --only    these scenarios only
  --write   put the tables into docs/performance.md`

const docs = join(import.meta.dirname, '../docs/performance.md')
const marks = { begin: '<!-- bench:begin -->', end: '<!-- bench:end -->' }

const writeDocs = (text: string): void => {
  const page = readFileSync(docs, 'utf8')
  const [begin, end] = [page.indexOf(marks.begin), page.indexOf(marks.end)]
  if (begin === -1 || end < begin) throw new Error(`${docs} has no place for results: ${marks.begin} … ${marks.end}`)
  writeFileSync(docs, `${page.slice(0, begin + marks.begin.length)}\n${text}\n${page.slice(end)}`)
}

const machine = (): string => {
  const pins = cores.shared ? 'mock and load client share a core' : 'mock and load client have a core each'
  return `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]!.model.trim()}, Linux ${release()}, Node ${process.version}; the candidate has one core, ${pins}.`
}

/** Everything that is measured through running programs. */
const measure = async (wanted: readonly string[] | undefined, add: (found: Findings) => void): Promise<void> => {
  const mock = await Worker.start('mock', cores.mock)
  const load = await Worker.start('load', cores.load)
  if (!gatewayIsBuilt()) console.error('the gateway is left out: dist/cli/main.js is not there, run npm run build')
  const ours = gatewayIsBuilt() ? await gateway(mock) : null
  const candidates: Partial<Record<CandidateName, Candidate>> = { direct: direct(mock), bare: await bare(mock) }
  if (ours) candidates.gateway = ours
  const peer = await portkey(mock)
  if (peer) candidates.portkey = peer
  const context: BenchContext = {
    mock,
    load,
    candidates,
    gateway: ours,
    freshGateway: async (options) => (gatewayIsBuilt() ? gateway(mock, options) : null),
    rounds: flags.quick ? 3 : 9,
    sliceMs: flags.quick ? 1000 : 2000,
    warmupMs: 1500,
  }
  for (const scenario of scenarios) {
    if (wanted && !wanted.includes(scenario.id)) continue
    console.error(`… ${scenario.title}`)
    add(await scenario.run(context))
  }
  await ours?.stop()
}

const main = async (): Promise<number> => {
  if (flags.help) {
    console.log(usage)
    return 0
  }
  const wanted = flags.only?.split(',')
  const unknown = wanted?.filter((id) => ![...standalone, ...scenarios].some((scenario) => scenario.id === id)) ?? []
  if (unknown.length > 0) {
    console.error(`unknown: ${unknown.join(', ')}\n\n${usage}`)
    return 2
  }
  const rows: Row[] = []
  const tables: Table[] = []
  const add = (found: Findings): void => {
    rows.push(...found.rows)
    tables.push(...found.tables)
  }
  for (const scenario of standalone) {
    if (wanted && !wanted.includes(scenario.id)) continue
    console.error(`… ${scenario.title}`)
    add(await scenario.run())
  }
  if (!wanted || scenarios.some(({ id }) => wanted.includes(id))) await measure(wanted, add)
  const text = `${machine()}\n\n${renderFindings({ rows, tables })}`
  console.log(text)
  const results = join(import.meta.dirname, 'results')
  mkdirSync(results, { recursive: true })
  writeFileSync(join(results, `${new Date().toISOString().replaceAll(':', '-')}.md`), `${text}\n`)
  if (flags.write) writeDocs(text)
  return rows.some((row) => row.pass === false) ? 1 : 0
}

try {
  process.exitCode = await main()
} finally {
  await stopAll()
}
