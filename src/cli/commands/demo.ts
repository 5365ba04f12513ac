import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exitCode } from '../../core/kernel/errors.ts'
import { loadConfig } from '../../core/config/load.ts'
import type { Config } from '../../core/config/config.ts'
import { daemonOf } from '../client.ts'
import type { Context } from '../context.ts'
import type { Given } from '../given.ts'
import type { Verb } from '../verb.ts'

const curlLines = (
  url: string,
  key: string,
): string => `curl ${url}/v1/chat/completions -H "Authorization: Bearer ${key}" \\
  -H "Content-Type: application/json" -d '{"model":"demo-fast","messages":[{"role":"user","content":"Hello"}]}'

curl -N ${url}/v1/messages -H "x-api-key: ${key}" -H "anthropic-version: 2023-06-01" \\
  -H "Content-Type: application/json" \\
  -d '{"model":"demo-smart","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"Hello"}]}'`

/** A gateway that nothing outside configures: the demo must look the same everywhere. */
const demoConfig = (given: Given, context: Context, dir: string): Config => {
  const { HOME } = context.env
  const port = given.text('port') ?? '0'
  return loadConfig({ flags: { data: dir, port, logLevel: 'error' }, env: { HOME }, cwd: dir }).config
}

export const demo: Verb = {
  usage: 'demo',
  summary: 'See it work in ten seconds: no account, no network, nothing to set up',
  details: `Starts a gateway with a simulated provider in a temporary directory, makes a user, credit, a key and two
models, sends an OpenAI and an Anthropic request, and explains what they cost. Then it serves until Ctrl-C.`,
  options: [
    ['--once', 'end after the requests'],
    ['--port <port>', 'port to listen on (default: a free one)'],
  ],
  examples: [
    ['demo', 'then try the curl lines it prints'],
    ['demo --once', 'for a script: exit code 0 when everything worked'],
  ],
  operations: [],
  async run(context, given) {
    const kept = context.options.data ?? null
    const dir = kept ?? mkdtempSync(join(tmpdir(), 'gateway-demo-'))
    try {
      return await play(context, given, demoConfig(given, context, dir))
    } finally {
      if (kept === null) rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
    }
  },
}

const play = async (context: Context, given: Given, config: Config): Promise<number> => {
  const { startDaemon } = await import('../../daemon/main.ts')
  const daemon = await startDaemon(config, { json: false, stdout: () => undefined })
  let code: number = exitCode.done
  try {
    code = await show(context, config, daemon.url, given.flag('once'))
  } catch (error) {
    daemon.stop()
    await daemon.stopped
    throw error
  }
  if (given.flag('once')) daemon.stop()
  await daemon.stopped
  return code
}

const show = async (context: Context, config: Config, url: string, once: boolean): Promise<number> => {
  const { output, json, io } = context
  const [{ demoModels, seed }, { showRequests }] = await Promise.all([
    import('../demo/seed.ts'),
    import('../demo/show.ts'),
  ])
  const client = await context.connect(daemonOf(config))
  const seeded = await seed(client)
  if (!json) {
    output.line(
      `${output.paint.bold('A gateway with a simulated provider')}: no account, no network, nothing to clean up.\n`,
    )
    output.fields([
      ['address', url],
      ['user', `${seeded.user}, 10 credits`],
      ['key', seeded.key],
      ...demoModels.map(
        ({ name, prices, behind }) =>
          ['model', `${name}: ${prices.input} in, ${prices.output} out per million tokens, ${behind} behind`] as const,
      ),
    ])
    output.line()
  }
  const shown = await showRequests(context, client, url, seeded)
  if (json) io.out(`${JSON.stringify({ url, ...seeded, data_dir: config.dataDir, ...shown })}\n`)
  else if (!once) {
    output.line(`\n${output.paint.bold('Serving until Ctrl-C.')} Both endpoints work with both models:`)
    output.line(`\n${curlLines(url, seeded.key)}`)
  }
  return shown.verify.ok ? exitCode.done : exitCode.failed
}
