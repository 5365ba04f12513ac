import { describe, expect, test } from 'vitest'
import { descriptionPresent, mismatch } from '../../../../test/support/openapi.ts'
import { placeOf, readClientRequests, readRecordings, recordingsPresent } from '../../../../test/support/recordings.ts'
import { list, meaning } from '../../../../test/support/responses-meaning.ts'
import { GatewayError } from '../../kernel/errors.ts'
import { protocolById, providerProtocolById } from '../index.ts'
import type { JsonObject, NeutralRequest, ProtocolId } from '../neutral/index.ts'
import { isObject } from '../read.ts'
import { asFunctions } from '../tool-forms.ts'
import { decodeRequest } from './decode-request.ts'
import { encodeRequest } from './encode-request.ts'
import { inspect } from './inspect.ts'

interface Asked {
  readonly id: string
  readonly json: JsonObject
  readonly path: string | undefined
}

const askedOf = (protocol: ProtocolId): Asked[] =>
  [...readRecordings(protocol), ...readClientRequests(protocol)].flatMap(({ id, request }) =>
    request?.json ? [{ id, json: request.json, path: request.path }] : [],
  )

const all = askedOf('openai-responses')
/** Its temperature is above 2: the recording shows the provider's own refusal. */
const wrong = 'test-openai-responses-model-http-error'
const readable = all.filter(({ id }) => !id.includes(wrong))
const options = { model: 'gpt-5', defaultMaxTokens: 1000 }

describe.skipIf(!recordingsPresent)('requests of real clients', () => {
  test.each(readable)('$id comes back as it was meant', ({ json }) => {
    const request = decodeRequest(json)
    const { body, warnings } = encodeRequest(request, options)
    expect(meaning(body)).toEqual(meaning(json))
    expect(warnings).toEqual([])
    expect(encodeRequest(decodeRequest(body), options).body).toEqual(body)
  })

  test('all are admitted but for those that would be worked on later', () => {
    const refused = all.flatMap(({ json }) => {
      try {
        inspect(Buffer.from(JSON.stringify(json)))
        return []
      } catch (error) {
        return error instanceof GatewayError ? [error.details.param] : [String(error)]
      }
    })
    expect(new Set(refused)).toEqual(new Set(['background']))
  })
})

const cross = (request: NeutralRequest, to: 'openai-chat' | 'anthropic-messages', dropUnsupportedTools: boolean) => {
  const { request: lowered } = asFunctions(request, { dropUnsupportedTools })
  return providerProtocolById(to).encodeRequest(lowered, { ...options, dropUnsupportedTools })
}

/** Why a request does not cross: the field, without its places in lists. */
const reasonOf = (run: () => unknown): string => {
  try {
    run()
    return 'crosses'
  } catch (error) {
    if (!(error instanceof GatewayError) || error.status !== 400) throw error
    const { param } = error.details
    expect(error.message).toContain(param)
    return (param ?? '').replaceAll(/\[\d+\]/g, '[]')
  }
}

describe.skipIf(!recordingsPresent)('on the way to another protocol', () => {
  const kept = new Set(['background', 'previous_response_id'])
  const items = new Set(['input[]', 'tools[]', 'tools[].defer_loading', 'tools[].tools[].defer_loading'])
  /** What Messages has no counterpart for, and what it is stricter with. */
  const messages = new Set(['text.format', 'text', 'response_format', 'input[].content[]'])
  /** A document by its address. */
  const documents = new Set(['input[].content[]'])

  test.each([
    ['openai-chat', documents],
    ['anthropic-messages', messages],
  ] as const)('to %s, requests cross or are refused with their path', (to, own) => {
    const reasons = readable.map(({ json }) => reasonOf(() => cross(decodeRequest(json), to, true)))
    for (const reason of reasons.filter((one) => one !== 'crosses'))
      expect([...kept, ...items, ...own]).toContain(reason)
    expect(reasons.filter((reason) => reason === 'crosses').length).toBeGreaterThan(readable.length * 0.8)
  })

  test.each(readable.filter(({ id }) => id.includes('codex')))(
    '$id crosses without the tools that others lack',
    ({ json }) => {
      const request = decodeRequest(json)
      const chat = cross(request, 'openai-chat', true)
      expect(chat.warnings.filter(({ path }) => path.startsWith('tools'))).toMatchObject([
        { path: 'tools[8]', action: 'dropped' },
      ])
      const names = list(chat.body['tools']).map((tool) => isObject(tool['function']) && tool['function']['name'])
      expect(names).toContain('multi_agent_v1__spawn_agent')
      const anthropic = cross(request, 'anthropic-messages', false)
      expect(list(anthropic.body['tools'])).toContainEqual({ type: 'web_search_20250305', name: 'web_search' })
    },
  )
})

describe.skipIf(!recordingsPresent || !descriptionPresent)("what is sent passes OpenAI's own description", () => {
  test.each(['openai-responses', 'openai-chat', 'anthropic-messages', 'gemini'] as const)(
    'of requests in %s',
    (from) => {
      let sent = 0
      for (const { id, json, path } of askedOf(from)) {
        let body: JsonObject
        try {
          body = encodeRequest(protocolById(from).decodeRequest(json, placeOf(path)), {
            ...options,
            dropUnsupportedTools: true,
          }).body
        } catch (error) {
          if (error instanceof GatewayError && error.status === 400) continue
          throw error
        }
        const found = mismatch('CreateResponse', body)
        // Some real requests do not pass as they are: reasoning without its id, a tool that does not say whether it is strict.
        if (from !== 'openai-responses' || mismatch('CreateResponse', json) === '') expect(found, id).toBe('')
        sent++
      }
      expect(sent).toBeGreaterThan(50)
    },
  )
})
