import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ensureBuilt } from './support/gateway.ts'

/** The commands of the README, as they stand there, in a directory of their own. `npx gateway` is the launcher of this clone. */
const root = join(import.meta.dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const commands = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) =>
  block!
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, ''))
    .filter((line) => line !== ''),
)

const home = mkdtempSync(join(tmpdir(), 'gateway-readme-'))
const env = {
  PATH: `${home}:${dirname(process.execPath)}:${process.env['PATH']}`,
  HOME: home,
  GATEWAY_DATA: join(home, 'data'),
  GATEWAY_PORT: '0',
  OPENAI_API_KEY: 'sk-test-0123456789',
}
let serving: ChildProcess | undefined
let url = ''

beforeAll(() => {
  ensureBuilt()
  const npx = join(home, 'npx')
  writeFileSync(npx, `#!/bin/sh\nshift\nexec "${process.execPath}" "${join(root, 'bin/gateway.cjs')}" "$@"\n`)
  chmodSync(npx, 0o755)
})
afterAll(async () => {
  if (serving?.exitCode === null) {
    const gone = new Promise((resolve) => serving!.once('exit', resolve))
    serving.kill('SIGTERM')
    await gone
  }
  rmSync(home, { recursive: true, force: true })
})

const sh = async (command: string): Promise<string> =>
  (await promisify(execFile)('sh', ['-c', command], { env })).stdout

/** `serve` stays: it is started apart and read until it listens. */
const serve = async (): Promise<void> => {
  serving = spawn(process.execPath, [join(root, 'bin/gateway.cjs'), 'serve'], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  url = await new Promise((resolve) =>
    serving!.stdout!.on('data', (text: Buffer) => {
      const match = /listening on (\S+)/.exec(text.toString())
      if (match) resolve(match[1]!)
    }),
  )
}

/** One request, so that there is something to list and explain. The provider is not reachable from here, which is an outcome like another. */
const ask = async (key: string): Promise<string> => {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: 'house-fast', messages: [{ role: 'user', content: 'hello' }] }),
  })
  await response.text()
  return response.headers.get('x-gateway-request-id')!
}

test('the README is short', () => {
  expect(readme.split('\n').length).toBeLessThanOrEqual(150)
})

test('every gateway command of the README works as it stands there', async () => {
  let key = ''
  let request = ''
  let ran = 0
  for (const command of commands.filter((line) => /npx gateway/.test(line) && line !== 'npx gateway demo')) {
    if (command.endsWith(' serve &')) await serve()
    else {
      if (/ requests /.test(command)) request ||= await ask(key)
      const out = await sh(command.replace('req_…', request))
      key ||= /sk-tg-\w{40,}/.exec(out)?.[0] ?? ''
      if (/ explain /.test(command)) expect(out).toContain(request)
    }
    ran++
  }
  expect(ran).toBeGreaterThan(8)
  expect(await sh('npx gateway demo --once')).toContain('verified')
}, 120_000)
