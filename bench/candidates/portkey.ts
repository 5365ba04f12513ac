import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { watchLoop } from '../lib/loop-delay.ts'
import type { Worker } from '../lib/processes.ts'
import { startProgram, stop } from '../lib/processes.ts'
import type { Candidate } from './candidate.ts'

const folder = join(import.meta.dirname, '../.peers')
const entry = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js')

/** The versions of its own lockfile: with newer ones it answers 500 to every streaming request. */
const manifest = {
  private: true,
  dependencies: { '@portkey-ai/gateway': '1.15.2' },
  overrides: { hono: '4.9.7', '@hono/node-server': '1.13.5' },
  allowScripts: { '@portkey-ai/gateway': false },
}

const install = async (): Promise<void> => {
  if (existsSync(entry)) return
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2))
  await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: folder,
    timeout: 180_000,
  })
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })

/** Null, with one line that says why, when it cannot be had. */
export const portkey = async (mock: Worker): Promise<Candidate | null> => {
  try {
    await install()
    const port = await freePort()
    const loop = watchLoop()
    const { child } = await startProgram(
      [process.execPath, ...loop.nodeOptions, entry, `--port=${port}`, '--headless'],
      {
        cwd: folder,
        env: { ...process.env, NODE_ENV: 'production', ...loop.env },
        ready: (line) => (line.includes('Ready for connections') ? port : null),
        timeoutMs: 30_000,
      },
    )
    const host = `http://127.0.0.1:${mock.port}/v1`
    return {
      name: 'portkey',
      pid: child.pid!,
      port,
      headers: (dialect) =>
        dialect === 'openai'
          ? { authorization: 'Bearer sk-bench', 'x-portkey-provider': 'openai', 'x-portkey-custom-host': host }
          : {
              'x-api-key': 'sk-bench',
              'anthropic-version': '2023-06-01',
              'x-portkey-provider': 'anthropic',
              'x-portkey-custom-host': host,
            },
      modelName: (_dialect, model) => model,
      loopDelay: loop.read,
      stop: () => stop(child),
    }
  } catch (error) {
    console.error(`@portkey-ai/gateway is left out: ${String(error).split('\n')[0]}`)
    return null
  }
}
