import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/core/kernel/errors.ts'
import { protocols } from '../../src/core/protocols/index.ts'
import type { JsonObject, JsonValue, NeutralRequest, Part, ProtocolId } from '../../src/core/protocols/neutral/index.ts'
import { readClientRequests, readRecordings, recordingsPresent } from '../support/recordings.ts'

const options = { model: 'real', defaultMaxTokens: 4096 }
const pairs = protocols.flatMap((client) =>
  protocols.map((provider) => ({ from: client.id, to: provider.id, client, provider })),
)

/** Bodies that real clients sent, from both collections. Shortened recordings hold "ELIDED" where an image was. */
const bodies = (protocol: ProtocolId): { id: string; body: JsonObject }[] =>
  [...readClientRequests(protocol), ...readRecordings(protocol)]
    .filter(({ request }) => Array.isArray(request?.json?.['messages']))
    .map(({ id, request }) => ({
      id,
      body: JSON.parse(JSON.stringify(request!.json).replaceAll(/ELIDED[^"]*"/g, 'RUxJREVE"')) as JsonObject,
    }))

/** What providers of the same protocol take only untranslated: functions from before there were tools, and one provider's own word for an effort. */
const onlyRaw = ['functions', 'reasoning_effort']

/** Whether an object with these members can be found where the path leads: `messages[3].content[1]`. */
const exists = (body: JsonObject, path: string): boolean => {
  const parent = path.replace(/\.?[^.[\]]+$/, '')
  return at(body, path) !== undefined || parent === '' || at(body, parent) !== undefined
}
const at = (body: JsonObject, path: string): JsonValue | undefined => {
  let value: JsonValue | undefined = body
  for (const key of path.split(/[.[\]]+/).filter((name) => name !== ''))
    value = (value as JsonObject | undefined)?.[key]
  return value
}

/** Everything said, in order, without the protocols' ways of saying it. */
const conversation = (request: NeutralRequest): string[] =>
  [
    ...request.system.map(({ text }) => `system: ${text}`),
    ...request.messages.flatMap(({ role, parts }) => parts.map((part) => `${role}: ${saying(part)}`)),
  ].filter((line) => !/: \s*$/.test(line))

const saying = (part: Part): string => {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return part.text
    case 'image':
    case 'document':
    case 'audio':
      // A document of text may be sent as text.
      if (part.source.from === 'text') return part.source.text
      return `${part.type} ${JSON.stringify(part.source)}`
    // Whether earlier reasoning may be sent back is for each target to say.
    case 'thinking':
      return ''
    case 'tool-call':
      return `call ${part.id} ${part.name} ${JSON.stringify(JSON.parse(part.arguments || '{}'))}`
    case 'tool-result':
      return `result ${part.callId} ${part.content.map(saying).join('')}`
    case 'opaque':
      return JSON.stringify(part.value)
  }
}

/** Texts of one speaker in a row may be joined on the way. */
const lines = (request: NeutralRequest): string =>
  conversation(request)
    .join('\n')
    .replaceAll(/\n(?:user|assistant|system): /g, '')
    // What is no text follows the results under the id of its call.
    .replaceAll(/Result of [^:]+:/g, '')

const limits = ({ stop, temperature, topP, maxTokens, stream, parallelToolCalls }: NeutralRequest) => ({
  stop: stop ?? [],
  temperature,
  topP,
  maxTokens,
  stream,
  single: parallelToolCalls === false,
})

describe.skipIf(!recordingsPresent)(
  'what real clients send reaches every provider (skipped where they are absent)',
  () => {
    for (const { from, to, client, provider } of pairs) {
      const own = from === to
      describe(`${from} → ${to}`, () => {
        test.each(bodies(from))('$id', ({ body }) => {
          let neutral: NeutralRequest
          let encoded: ReturnType<typeof provider.encodeRequest>
          try {
            neutral = client.decodeRequest(body)
            encoded = provider.encodeRequest(neutral, options)
          } catch (error) {
            // Refused before anything is sent, with the code that says why and the place in the client's own body.
            expect(error).toBeInstanceOf(GatewayError)
            const { code, details, message } = error as GatewayError
            expect(['unsupported_parameter', 'invalid_request']).toContain(code)
            expect(details.param, message).toBeDefined()
            if (own) expect(onlyRaw).toContain(details.param)
            expect(exists(body, details.param!), `${details.param} in ${message}`).toBe(true)
            return
          }
          for (const warning of encoded.warnings) expect(warning.path, warning.reason).not.toBe('')
          // The provider's own strict reader takes it, and reads the same conversation.
          const again = provider.decodeRequest(encoded.body)
          expect(lines(again)).toBe(lines(neutral))
          expect(again.tools.map((tool) => tool.type === 'function' && tool.name)).toEqual(
            neutral.tools.map((tool) => tool.type === 'function' && tool.name),
          )
          const forced = encoded.warnings.map(({ path }) => path)
          const said = limits(neutral)
          const arrived = limits(again)
          for (const field of ['stop', 'stream', 'single'] as const) expect(arrived[field]).toEqual(said[field])
          if (said.maxTokens !== undefined) expect(arrived.maxTokens).toBe(said.maxTokens)
          if (!forced.includes('temperature')) expect(arrived.temperature).toBe(said.temperature)
          if (!forced.includes('top_p')) expect(arrived.topP).toBe(said.topP)
          // Letting the model choose is what happens when nothing is said.
          const choice = neutral.tools.length === 0 ? undefined : neutral.toolChoice
          expect(again.toolChoice ?? { mode: 'auto' }).toEqual(choice ?? { mode: 'auto' })
          expect(again.model).toBe('real')
          if (own) {
            expect(again.extensions).toEqual(neutral.extensions)
            expect(again.tools.map(withoutPath)).toEqual(neutral.tools.map(withoutPath))
          }
        })

        test.each(bodies(from))('the same again when it is sent again: $id', ({ body }) => {
          // Prompt caches key on bytes: nothing may depend on time, chance or what came before.
          const encode = (): string => {
            try {
              return JSON.stringify(provider.encodeRequest(client.decodeRequest(body), options))
            } catch (error) {
              return (error as Error).message
            }
          }
          expect(encode()).toBe(encode())
        })
      })
    }
  },
)

const withoutPath = (tool: NeutralRequest['tools'][number]) => ({ ...tool, path: undefined })
