import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Behaviour } from './mock-provider-answers.ts'
import { controlPath, startMockServer } from './mock-provider-server.ts'
import type { Attempt } from './mock-provider-server.ts'

export type { Behaviour, Chunk } from './mock-provider-answers.ts'
export type { Attempt } from './mock-provider-server.ts'

export interface MockProvider {
  /** Base URL with its version segment: `http://127.0.0.1:PORT/v1`. */
  readonly url: string
  /** What happens to requests for this model (`*`: any other; `Bearer …`: with this credential) from now on: always the same, or a list in turn whose last stays. */
  script(model: string, behaviour: Behaviour | readonly Behaviour[]): Promise<void>
  /** Every request that ever arrived, in order. */
  log(): Promise<readonly Attempt[]>
  /** Open connections, without our own. */
  connections(): Promise<number>
  stop(): Promise<void>
}

/** A mock provider in its own process. */
export const startMockProvider = async (): Promise<MockProvider> => {
  const child = fork(new URL('./mock-provider-process.ts', import.meta.url), { execArgv: [] })
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  const origin = new URL(url).origin
  const state = async () => {
    const response = await fetch(`${origin}${controlPath}/state`, { headers: { connection: 'close' } })
    return (await response.json()) as { attempts: Attempt[]; connections: number }
  }
  return {
    url,
    async script(model, behaviour) {
      const body = JSON.stringify({ model, behaviour })
      await fetch(`${origin}${controlPath}/script`, { method: 'POST', headers: { connection: 'close' }, body })
    },
    log: async () => (await state()).attempts,
    connections: async () => (await state()).connections,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.disconnect()
      await gone
    },
  }
}

/** The same in this process, for cheap tests. */
export const startMockProviderInProcess = async (): Promise<MockProvider> => {
  const server = await startMockServer()
  return {
    url: server.url,
    script: async (model, behaviour) => server.script(model, behaviour),
    log: async () => server.log(),
    connections: async () => server.connections(),
    stop: () => server.close(),
  }
}
