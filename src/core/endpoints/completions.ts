import { setField, splice } from '../protocols/json-scan.ts'
import type { JsonValue } from '../protocols/neutral/index.ts'
import { openaiChat } from '../protocols/openai-chat/index.ts'
import { isObject, refuse } from '../protocols/read.ts'
import type { ScannedObject } from '../protocols/json-scan.ts'
import type { Endpoint, Road } from './endpoint.ts'
import { modelOf, scanBody, streamOf, valueOf, wholeOf } from './side/facts.ts'
import { notOffered, offers } from './side/offers.ts'
import { sideError } from './side/pass.ts'

const maxChoices = 128
/** The API's default, which is sent when the client leaves the limit out: what is held must be what is asked for. */
const defaultMaxTokens = 16

/** OpenAI's older `POST /v1/completions` (https://platform.openai.com/docs/api-reference/completions): text in, text out. It reaches only providers that have it too. */
export const completions: Endpoint = {
  id: 'completions',
  errors: openaiChat,
  inspect(body, place) {
    const scanned = scanBody(body)
    const prompts = countPrompts(valueOf(scanned, 'prompt'))
    const answers = Math.max(wholeOf(scanned, 'n', 1, maxChoices) ?? 1, wholeOf(scanned, 'best_of', 1, maxChoices) ?? 1)
    const stream = streamOf(scanned)
    return {
      scanned,
      model: modelOf(scanned, place),
      stream,
      includeUsage: readIncludeUsage(scanned, stream),
      choices: prompts * answers,
      remoteParts: 0,
      maxTokens: wholeOf(scanned, 'max_tokens', 0, Number.MAX_SAFE_INTEGER) ?? defaultMaxTokens,
    }
  },
  road({ facts, target, shadowModel }): Road {
    if (!offers(target, 'completions')) throw notOffered(target, 'completions')
    const { scanned, stream, includeUsage } = facts
    return {
      protocol: 'openai-chat',
      path: '/completions',
      straight: true,
      warnings: [],
      request: (maxTokens = defaultMaxTokens) =>
        splice(scanned.bytes, [
          setField(scanned, 'model', JSON.stringify(target.model)),
          setField(scanned, 'max_tokens', String(maxTokens)),
          ...(stream && !includeUsage ? [setField(scanned, 'stream_options', usageOptions(scanned))] : []),
        ]),
      unary: (body) => openaiChat.raw.response(body, { model: shadowModel }),
      stream: () => openaiChat.raw.createTap({ model: shadowModel, includeUsage, choices: facts.choices }),
      decodeError: (status, headers, body) => sideError(status, headers, body, target.model),
    }
  },
}

/** A text, texts, tokens, or lists of tokens. */
const countPrompts = (prompt: JsonValue | undefined): number => {
  if (prompt === undefined) return refuse('prompt', 'is required.')
  if (typeof prompt === 'string') return 1
  if (!Array.isArray(prompt) || prompt.length === 0 || prompt.length > 2048)
    return refuse('prompt', 'must be a string, or a list of 1 to 2048 strings, tokens or lists of tokens.')
  if (prompt.every((item) => typeof item === 'number')) return 1
  const good = prompt.every(
    (item) => typeof item === 'string' || (Array.isArray(item) && item.every((token) => typeof token === 'number')),
  )
  return good ? prompt.length : refuse('prompt', 'may not mix strings and tokens.')
}

const readIncludeUsage = (scanned: ScannedObject, stream: boolean): boolean => {
  const options = valueOf(scanned, 'stream_options')
  if (options === undefined) return false
  if (!isObject(options)) return refuse('stream_options', 'must be an object.')
  if (!stream) return refuse('stream_options', 'is only allowed when stream is true.')
  return options['include_usage'] === true
}

const usageOptions = (scanned: ScannedObject): string => {
  const options = valueOf(scanned, 'stream_options')
  return JSON.stringify({ ...(isObject(options) && options), include_usage: true })
}
