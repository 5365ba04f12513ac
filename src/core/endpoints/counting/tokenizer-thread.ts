import { parentPort } from 'node:worker_threads'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import type { CountReply, CountTask } from './messages.ts'
import { countTexts } from './slices.ts'

/** The thread of the tokenizer. What looks like a special token is text here: it comes from users. */
const plain = { disallowedSpecial: new Set<string>() }

parentPort?.on('message', ({ id, texts }: CountTask) => {
  const tokens = countTexts(texts, (slice) => countTokens(slice, plain))
  parentPort?.postMessage({ id, tokens } satisfies CountReply)
})
