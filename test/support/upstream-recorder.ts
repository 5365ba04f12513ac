import { systemClock } from '../../src/core/kernel/clock.ts'
import { createUpstream } from '../../src/core/upstream/send.ts'
import type {
  Upstream,
  UpstreamCall,
  UpstreamFailure,
  UpstreamListener,
  UpstreamRequest,
} from '../../src/core/upstream/upstream.ts'
import { startMockProviderInProcess } from './mock-provider.ts'
import type { Behaviour, MockProvider } from './mock-provider.ts'

/** What one test opens; `close` ends all of it, the last first. */
export const openedByTest = () => {
  const closers: (() => Promise<unknown>)[] = []
  return {
    closers,
    upstream(more: { maxConnectionsPerOrigin?: number; allowPrivate?: string[] } = {}): Upstream {
      const opened = createUpstream({ clock: systemClock, allowPrivate: ['127.0.0.1'], tickMs: 10, ...more })
      closers.push(() => opened.close())
      return opened
    },
    /** A provider in this process that treats every model the same. */
    async mock(behaviour: Behaviour | readonly Behaviour[] = {}): Promise<MockProvider> {
      const provider = await startMockProviderInProcess()
      closers.push(() => provider.stop())
      await provider.script('*', behaviour)
      return provider
    },
    async close(): Promise<void> {
      for (const close of closers.splice(0).toReversed()) await close()
    },
  }
}

export const request = (baseUrl: string, more: Partial<UpstreamRequest> = {}): UpstreamRequest => ({
  baseUrl,
  path: '/chat/completions',
  headers: { 'content-type': 'application/json', 'x-request-id': 'att_1' },
  body: Buffer.from('{"model":"m"}'),
  connectTimeoutMs: 2_000,
  firstByteTimeoutMs: 5_000,
  idleTimeoutMs: 5_000,
  allowPrivate: [],
  ...more,
})

/** Listens to one call and remembers all of it. */
export class Recorder implements UpstreamListener {
  status = 0
  header: (name: string) => string | undefined = () => undefined
  chunks: Buffer[] = []
  bytes = 0
  ended = 0
  failures: UpstreamFailure[] = []
  call: UpstreamCall | undefined
  /** What onData answers; may act on the call. */
  take: (chunk: Buffer) => boolean = () => true
  readonly #waiting: { reached: () => boolean; resolve: () => void }[] = []

  onResponse(status: number, headers: (name: string) => string | undefined): void {
    this.status = status
    this.header = headers
    this.#check()
  }
  onData(chunk: Buffer): boolean {
    this.chunks.push(chunk)
    this.bytes += chunk.length
    const more = this.take(chunk)
    this.#check()
    return more
  }
  onEnd(): void {
    this.ended++
    this.#check()
  }
  onFailure(failure: UpstreamFailure): void {
    this.failures.push(failure)
    this.#check()
  }
  get over(): boolean {
    return this.ended + this.failures.length > 0
  }
  get failure(): UpstreamFailure | undefined {
    return this.failures[0]
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString()
  }
  until(reached: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ reached, resolve })
      this.#check()
    })
  }
  #check(): void {
    for (const { reached, resolve } of this.#waiting) if (reached()) resolve()
  }
}

export const send = (to: UpstreamRequest, through: Upstream): Recorder => {
  const recorder = new Recorder()
  recorder.call = through.send(to, recorder)
  return recorder
}

export const finish = async (to: UpstreamRequest, through: Upstream): Promise<Recorder> => {
  const recorder = send(to, through)
  await recorder.until(() => recorder.over)
  return recorder
}

export const eventually = async (reached: () => boolean | Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 400; i++) {
    if (await reached()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('did not come about within 4 s')
}
