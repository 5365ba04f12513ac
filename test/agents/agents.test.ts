import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { protocols } from '../../src/core/protocols/index.ts'
import { createCustomer, ensureBuilt, type Gateway, removeDataDir, startGateway } from '../support/gateway.ts'
import { type Agent, agents, type Place } from './agents.ts'
import { type ScriptedProvider, startScriptedProvider } from './scripted-provider.ts'

/** `AGENTS=all`, or the beginnings of names: `AGENTS=codex,pi`. Without it the two that are quick to install and speak all protocols. */
const wanted = (process.env['AGENTS'] ?? 'codex,pi').split(',')
const chosen = agents.filter(
  ({ name, speaks }) =>
    protocols.some(({ id }) => id === speaks) &&
    (wanted.includes('all') || wanted.some((start) => name.startsWith(start))),
)

const cache = join(import.meta.dirname, '../../node_modules/.cache/agents')

const folderOf = (agent: Agent): string => join(cache, agent.package.replaceAll(/[@/]/g, '_'))
const binOf = (agent: Agent): string => join(folderOf(agent), 'node_modules/.bin', agent.bin)

/** Each in a folder of its own: they are programs, not libraries of this project. Undefined when it is there, else why not. */
const install = (agent: Agent): string | undefined => {
  if (existsSync(binOf(agent))) return undefined
  const folder = folderOf(agent)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"private":true}')
  const options = ['--no-audit', '--no-fund', '--prefer-offline', '--fetch-retries=0']
  try {
    execFileSync('npm', ['install', ...options, agent.package], { cwd: folder, stdio: 'pipe', timeout: 90_000 })
    return undefined
  } catch {
    // Half of an installation would look like a whole one the next time.
    rmSync(folder, { recursive: true, force: true })
    return `${agent.package} cannot be installed here`
  }
}

const command = 'printf through-the-gateway > result.txt'
/** Why an agent cannot be run. Without being asked for by name it is skipped; asked for, it fails. */
const absent = new Map<string, string>()
let gateway: Gateway
let provider: ScriptedProvider
let key: string

beforeAll(async () => {
  ensureBuilt()
  for (const name of new Set(chosen.map((one) => one.package))) {
    const why = install(chosen.find((one) => one.package === name)!)
    if (why !== undefined) absent.set(name, why)
  }
  provider = await startScriptedProvider(command)
  gateway = await startGateway()
  for (const kind of ['openai-compatible', 'anthropic-compatible'])
    await gateway.call('providers.add', { name: kind, kind, base_url: provider.url, secret: 'sk-provider-0123456789' })
  for (const [model, other] of [
    ['over-chat', 'openai-compatible'],
    ['over-messages', 'anthropic-compatible'],
  ])
    await gateway.call('models.create', {
      name: model,
      targets: [{ provider: other, model: 'real-model' }],
      prices: { input: '1', output: '2' },
      // Agents list hosted tools by habit (web search); the task needs none.
      drop_unsupported_tools: true,
    })
  key = (await createCustomer(gateway)).key
}, 300_000)

afterAll(async () => {
  await gateway?.stop()
  await provider?.close()
  if (gateway) removeDataDir(gateway.dataDir)
})

/** Runs it as a user would: an empty home, its own folder, no terminal, nothing of our environment. */
const run = (agent: Agent, place: Place, folder: string): Promise<{ code: number | null; output: string }> =>
  new Promise((resolve) => {
    const child = spawn(binOf(agent), agent.args(place, 'Write the word through-the-gateway to result.txt.'), {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: place.home,
        TMPDIR: place.home,
        TERM: 'dumb',
        CI: 'true',
        NO_PROXY: '127.0.0.1',
        ...agent.env(place),
      },
      timeout: 120_000,
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.on('close', (code) => resolve({ code, output }))
  })

describe.skipIf(process.platform !== 'linux')(
  'an agent does a task of two turns over another protocol than its own',
  () => {
    test.for(chosen.map((agent) => [agent.name, agent] as const))(
      '%s',
      { timeout: 180_000 },
      async ([, agent], { skip }) => {
        const why = absent.get(agent.package)
        if (why !== undefined && process.env['AGENTS'] === undefined) skip(why)
        if (why !== undefined) throw new Error(why)
        const home = mkdtempSync(join(tmpdir(), 'agent-home-'))
        const folder = join(home, 'work')
        mkdirSync(folder)
        const model = agent.speaks === 'openai-chat' ? 'over-messages' : 'over-chat'
        const place: Place = { home, url: gateway.url, key, model }
        agent.setUp(place)
        const before = provider.calls.length
        const { code, output } = await run(agent, place, folder)
        const calls = provider.calls.slice(before)
        const file = join(folder, 'result.txt')
        expect({ code, file: existsSync(file) && readFileSync(file, 'utf8'), calls, output }).toMatchObject({
          code: 0,
          file: 'through-the-gateway',
        })
        expect(calls.filter(({ task }) => task).map(({ answered }) => answered)).toEqual(['call', 'text'])
        rmSync(home, { recursive: true, force: true })
      },
    )
  },
)
