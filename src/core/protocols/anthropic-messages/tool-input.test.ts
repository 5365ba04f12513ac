import { describe, expect, test } from 'vitest'
import { gemini } from '../gemini/index.ts'
import type { JsonValue } from '../neutral/index.ts'
import { parseFrame, SseSplitter } from '../sse.ts'
import { fold } from '../fold.ts'
import { decodeResponse } from './decode-response.ts'
import { Decoder } from './decoder.ts'

const options = { model: 'shadow', includeUsage: true, created: 1, estimatedInputTokens: 7 }
const call = (input?: JsonValue) => ({ type: 'tool_use', id: 't', name: 'f', ...(input !== undefined && { input }) })
const whole = (input?: JsonValue) =>
  decodeResponse({ id: 'm', model: 'real', content: [call(input)], stop_reason: 'tool_use' })
const streamed = (input?: JsonValue) => {
  const events = [
    { type: 'message_start', message: { id: 'm', model: 'real' } },
    { type: 'content_block_start', index: 0, content_block: call(input) },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'tool_use' } },
    { type: 'message_stop' },
  ]
  const bytes = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
  const decoder = new Decoder()
  return fold(new SseSplitter().push(Buffer.from(bytes)).flatMap((frame) => decoder.push(parseFrame(frame))))
}

describe('the input of a call', () => {
  test.each(['x', 5, ['x'], false])('that is no object (%j) is never made an empty one', (input) => {
    expect(whole(input).choices[0]!.blocks).toMatchObject([{ arguments: JSON.stringify(input) }])
    expect(streamed(input)).toEqual(whole(input))
    expect(() => gemini.encodeResponse(whole(input), options)).toThrow('a tool call that cannot be read')
  })

  test.each([undefined, null, {}])('that is not there (%j) is an empty object', (input) => {
    expect(whole(input).choices[0]!.blocks).toMatchObject([{ arguments: '{}' }])
    expect(streamed(input)).toEqual(whole(input))
  })
})
