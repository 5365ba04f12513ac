import { expect, test } from 'vitest'
import { answerOf } from '../../../../test/support/recordings.ts'
import type { Block, JsonObject, NeutralEvent, NeutralResponse } from '../neutral/index.ts'
import { parseFrame, SseSplitter } from '../sse.ts'
import { encodeResponse } from './encode-response.ts'
import { Encoder } from './encoder.ts'

const options = { model: 'shadow', includeUsage: true, created: 1, estimatedInputTokens: 0 }
const cited = (url: string, more: JsonObject = {}): JsonObject => ({
  type: 'web_search_result_location',
  url,
  title: 'T',
  cited_text: 'c',
  ...more,
})
const blocks: Block[] = [
  { kind: 'text', text: 'Before' },
  {
    kind: 'text',
    text: 'Ten 🎉 here',
    citations: [cited('https://a.test'), cited('https://b.test', { start_index: 1, end_index: 3 })],
  },
  { kind: 'tool-call', id: 'call_1', name: 'patch', custom: true, arguments: 'raw' },
]
const answer: NeutralResponse = {
  id: 'resp_1',
  model: 'real',
  choices: [{ blocks, finish: { reason: 'tool-calls', raw: null } }],
}

/** Sources in front of the text they are for, as Anthropic tells them. */
const events: NeutralEvent[] = [
  { type: 'start', id: 'resp_1', model: 'real' },
  ...blocks.flatMap((block, index): NeutralEvent[] => {
    const at = { choice: 0, index }
    if (block.kind === 'tool-call')
      return [
        { type: 'block-start', ...at, block: { kind: 'tool-call', id: block.id, name: block.name, custom: true } },
        { type: 'block-delta', ...at, delta: { kind: 'arguments', json: block.arguments } },
        { type: 'block-stop', ...at },
      ]
    if (block.kind !== 'text') return []
    const citations = (block.citations ?? []).map((citation): NeutralEvent => ({
      type: 'block-delta',
      ...at,
      delta: { kind: 'citation', citation },
    }))
    return [
      { type: 'block-start', ...at, block: { kind: 'text' } },
      ...citations,
      { type: 'block-delta', ...at, delta: { kind: 'text', text: block.text } },
      { type: 'block-stop', ...at },
    ]
  }),
  { type: 'finish', choice: 0, finish: { reason: 'tool-calls', raw: null } },
  { type: 'end' },
]

const streamed = (): JsonObject[] => {
  const encoder = new Encoder(options)
  const bytes = Buffer.from(events.map((event) => encoder.push(event)).join(''))
  return new SseSplitter().push(bytes).map((frame) => JSON.parse(parseFrame(frame).data) as JsonObject)
}

const whole = encodeResponse(answer, options)['output'] as JsonObject[]
const last = (streamed().at(-1)!['response'] as JsonObject)['output'] as JsonObject[]

test('a source without a place is for the whole of its block, in characters', () => {
  expect(answerOf(events).choices[0]!.blocks).toEqual(blocks)
  for (const output of [whole, last]) {
    const [, part] = output[0]!['content'] as JsonObject[]
    const places = (part!['annotations'] as JsonObject[]).map(({ url, start_index, end_index }) => [
      url,
      start_index,
      end_index,
    ])
    expect(places.toSorted()).toEqual([
      ['https://a.test', 0, 10],
      ['https://b.test', 1, 3],
    ])
  }
  const added = streamed().filter(({ type }) => type === 'response.output_text.annotation.added')
  expect(added.map(({ annotation_index: index }) => index)).toEqual([0, 1])
})

test('a call of a free-text tool has a status', () => {
  for (const output of [whole, last]) expect(output[1]).toMatchObject({ type: 'custom_tool_call', status: 'completed' })
  const begun = streamed().find(({ type, output_index: at }) => type === 'response.output_item.added' && at === 1)
  expect(begun).toMatchObject({ item: { status: 'in_progress' } })
})
