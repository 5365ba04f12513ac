import { Worker } from 'node:worker_threads'
import type { CountTokens } from '../endpoint.ts'
import type { CountReply, CountTask } from './messages.ts'

export interface TokenCounter {
  /** Tokens of the texts in OpenAI's o200k_base, special words counted as plain text. Rejects when the thread cannot be started. */
  readonly count: CountTokens
  close(): Promise<void>
}

/**
 * A tokenizer in a thread of its own, so that no text, however made, holds the serving thread. The thread is started by the first count (loading takes a tenth of a
 * second and some megabytes) and never keeps the program alive.
 */
export const createTokenCounter = (): TokenCounter => {
  let worker: Worker | null = null
  let next = 0
  const waiting = new Map<number, { resolve: (tokens: number) => void; reject: (error: unknown) => void }>()

  const start = (): Worker => {
    const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js'
    const started = new Worker(new URL(`tokenizer-thread.${extension}`, import.meta.url))
    started.unref()
    started.on('message', ({ id, tokens }: CountReply) => {
      waiting.get(id)?.resolve(tokens)
      waiting.delete(id)
      if (waiting.size === 0) started.unref()
    })
    const lost = (error: unknown): void => {
      if (worker === started) worker = null
      for (const { reject } of waiting.values()) reject(error)
      waiting.clear()
    }
    started.on('error', lost)
    started.on('exit', () => lost(new Error('the tokenizer has ended')))
    return started
  }

  return {
    count: (texts) =>
      new Promise((resolve, reject) => {
        const id = next++
        waiting.set(id, { resolve, reject })
        worker ??= start()
        worker.ref()
        worker.postMessage({ id, texts } satisfies CountTask)
      }),
    async close() {
      await worker?.terminate()
    },
  }
}
