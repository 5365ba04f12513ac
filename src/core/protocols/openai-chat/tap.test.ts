import { describe, expect, test } from 'vitest'
import { readRecordings, recordingsPresent, recut, streamBytes } from '../../../../test/support/recordings.ts'
import type { JsonObject } from '../neutral/index.ts'
import { maxFrameBytes } from '../sse.ts'
import { Tap } from './tap.ts'

const chunk = (fields: JsonObject): string =>
  `data: ${JSON.stringify({ id: 'c-1', object: 'chat.completion.chunk', model: 'real', ...fields })}\n\n`
const says = (content: string, more: JsonObject = {}): string =>
  chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null }], ...more })
const stops = (reason = 'stop', index = 0): string => chunk({ choices: [{ index, delta: {}, finish_reason: reason }] })
const counted = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
const done = 'data: [DONE]\n\n'

const through = (pieces: readonly (string | Buffer)[], edits: Partial<ConstructorParameters<typeof Tap>[0]> = {}) => {
  const tap = new Tap({ model: 'shadow', includeUsage: false, ...edits })
  const out = pieces.map((piece) => tap.push(Buffer.from(piece)))
  out.push(tap.finish())
  return { out: Buffer.concat(out).toString(), observed: tap.observed }
}

describe('what the client gets', () => {
  test('every frame as it came but for the name of the model', () => {
    const stream = says('a "model":"real" b') + ': ping\n\n' + says('ü🙂') + stops() + done
    expect(through([stream]).out).toBe(stream.replaceAll(',"model":"real"', ',"model":"shadow"'))
  })

  test('the very buffer of the network when nothing changes', () => {
    const bytes = Buffer.from(says('a') + stops())
    expect(new Tap({ model: 'real', includeUsage: true }).push(bytes)).toBe(bytes)
  })

  test('no usage unless asked for', () => {
    const stream =
      says('a', { usage: null }) +
      chunk({ usage: null, choices: [] }) +
      stops() +
      chunk({ choices: [], usage: counted }) +
      done
    const { out, observed } = through([stream])
    expect(out).not.toContain('usage')
    expect(out).toBe((says('a') + chunk({ choices: [] }) + stops() + done).replaceAll('"real"', '"shadow"'))
    expect(observed.usage?.output.visible).toBe(2)
    expect(through([stream], { includeUsage: true, model: 'real' }).out).toBe(stream)
  })

  test('usage that the server puts on a chunk with content, by itself', () => {
    const stream = says('a', { usage: counted }) + done
    expect(through([stream], { model: 'real' }).out).toBe(stream)
  })

  test('frames whose keys stand in another order or are spaced', () => {
    const stream = 'data:{"usage": null , "choices" : [ {"delta":{"content":"a"},"index":0} ], "model" :"real"}\r\n\r\n'
    expect(through([stream]).out).toBe(
      'data:{"choices" : [ {"delta":{"content":"a"},"index":0} ], "model" :"shadow"}\r\n\r\n'.replace(
        '{"choices"',
        '{ "choices"',
      ),
    )
  })

  test('a name that hides behind an event name, a leading space or several lines', () => {
    for (const stream of [
      'event: message\ndata: {"model":"real","choices":[]}\n\n',
      ' data: {"model":"real","choices":[]}\n\n',
      'data: {"model":"real",\ndata: "choices":[]}\n\n',
    ]) {
      expect(through([stream]).out).not.toContain('real')
      expect(through([stream]).out).toContain('shadow')
    }
  })

  test.each([
    ['a byte order mark in front', '\ufeffdata: {"model":"real","choices":[]}\n\n'],
    ['a byte order mark and an event name', '\ufeffevent: message\ndata: {"model":"real","choices":[]}\n\n'],
    ['two keys of that name', 'data: {"model":"real","choices":[],"model":"real"}\n\n'],
    ['three of them, of all types', 'data: {"model":{"a":"real"},"model":null,"choices":[],"model":"real"}\n\n'],
    ['an escaped key', 'data: {"mod\\u0065l":"real","choices":[]}\n\n'],
    ['an escaped key beside a plain one', 'data: {"model":"real","mod\\u0065l":"real","choices":[]}\n\n'],
    ['a value that is no string', 'data: {"model":{"name":"real"},"choices":[]}\n\n'],
    ['spaces in front of the chunk', 'data:   {"model":"real","choices":[]}\n\n'],
    ['an empty line of data in front', 'data:\ndata: {"model":"real","choices":[]}\n\n'],
    ['a second object behind the first', 'data: {"choices":[]} {"model":"real"}\n\n'],
    ['an array', 'data: [{"model":"real"}]\n\n'],
    ['a chunk that is cut', 'data: {"model":"real","choices":[{\n\n'],
  ])('never the real name: %s', (_, frame) => {
    const { out } = through([frame + says('a')])
    expect(out).not.toContain('real')
    expect(out.match(/shadow/g)!.length).toBeGreaterThan(1)
  })

  test('the content behind a byte order mark is read like any other', () => {
    expect(through([`\ufeff${says('abc')}`, stops()])).toMatchObject({
      out: `\ufeff${says('abc')}${stops()}`.replaceAll('real', 'shadow'),
      observed: { deliveredChars: 3, complete: true },
    })
  })

  test('other fields of an event behind its chunk', () => {
    const frame = says('a').replace('\n\n', '\nid: 7\n\n')
    expect(through([frame]).out).toBe(frame.replace('real', 'shadow'))
  })

  test('nothing behind [DONE]', () => {
    const late = says('late', { usage: counted }) + 'data: {"error":{"message":"no"}}\n\n' + done
    for (const pieces of [[says('a') + done + late], [says('a') + done, late, 'data: {"model":"real"}']]) {
      const { out, observed } = through(pieces)
      expect(out).toBe((says('a') + done).replace('real', 'shadow'))
      expect(observed).toEqual({ deliveredChars: 1, complete: true, upstreamId: 'c-1' })
    }
    const tap = new Tap({ model: 's', includeUsage: true })
    tap.push(Buffer.from(done))
    tap.push(Buffer.alloc(maxFrameBytes + 1, 'x'))
    expect(tap.observed.failure).toBeUndefined()
  })

  test('what is malformed or unknown, unharmed', () => {
    for (const stream of [
      'data: {"model":"re\n\n',
      'data: nonsense\n\n',
      'data: [1,2]\n\n',
      'data:\n\n',
      '\n\n',
      'id: 7\nretry: 5\n\n',
    ])
      expect(through([stream]).out).toBe(stream)
  })

  test('a last frame without its blank line, but no torn one', () => {
    expect(through([says('a'), stops().trimEnd()]).out).toContain('"finish_reason":"stop"')
    expect(through([says('a'), stops().slice(0, 60)]).out).toBe(says('a').replace('real', 'shadow'))
  })
})

describe('what the meter learns', () => {
  test('characters of text, reasoning and arguments, escapes and wide characters as one', () => {
    const delta = {
      reasoning_content: 'ab',
      content: 'ü\n🙂\u0001',
      tool_calls: [{ index: 0, function: { name: 'not counted', arguments: '{"a":1}' } }],
    }
    expect(through([chunk({ choices: [{ index: 0, delta, finish_reason: null }] })]).observed.deliveredChars).toBe(
      2 + 4 + 7,
    )
  })

  test('reasoning told twice is counted once', () => {
    const details = [{ type: 'reasoning.text', text: 'abc' }]
    const told = (delta: JsonObject) => through([chunk({ choices: [{ index: 0, delta }] })]).observed.deliveredChars
    expect(told({ reasoning: 'abc', reasoning_details: details })).toBe(3)
    expect(told({ content: '', reasoning_details: details })).toBe(3)
  })

  test('the latest usage wins, wherever it stands', () => {
    expect(
      through([says('a', { usage: { ...counted, completion_tokens: 1 } }), says('b', { usage: counted })]).observed
        .usage?.output.visible,
    ).toBe(2)
    expect(through([says('a', { x_groq: { usage: counted } })]).observed.usage?.input.uncached).toBe(3)
  })

  test('complete when every answer that was asked for has finished', () => {
    expect(through([says('a')]).observed.complete).toBe(false)
    expect(through([says('a'), stops('length')]).observed).toMatchObject({
      complete: true,
      finish: 'length',
      upstreamId: 'c-1',
    })
    const tap = new Tap({ model: 'shadow', includeUsage: true, choices: 3 })
    tap.push(Buffer.from(stops() + stops('stop', 1)))
    expect(tap.observed.complete).toBe(false)
    // The server gave two.
    tap.finish()
    expect(tap.observed.complete).toBe(true)
    expect(through([stops() + says('a').replace('"index":0', '"index":1')], { choices: 2 }).observed.complete).toBe(
      false,
    )
    expect(through([stops(), stops('stop', 2), stops('stop', 1)], { choices: 3 }).observed.complete).toBe(true)
    expect(through([says('a'), done]).observed.complete).toBe(true)
  })

  test.each([
    ['event: error\ndata: {"error":{"message":"no","status_code":400}}\n\n', 400],
    ['data: {"error":{"message":"no","type":"server_error"}}\n\n', 500],
    ['data: {"error":{"message":"no","status_code":400}}\nevent: error\n\n', 400],
    [chunk({ error: { code: 429, message: 'no' }, choices: [{ index: 0, delta: { content: '' } }] }), 429],
  ])('an error is kept from the client and from what follows: %s', (frame, status) => {
    const { out, observed } = through([says('a') + frame + says('b') + done])
    expect(out).toBe(says('a').replace('real', 'shadow'))
    expect(observed).toMatchObject({ failure: { status, message: 'no' }, complete: false })
  })

  test('an error behind the finish takes nothing away', () => {
    const { observed } = through([
      says('a'),
      stops('length'),
      chunk({ error: { code: 400, message: 'limit' }, choices: [] }),
    ])
    expect(observed).toMatchObject({ complete: true, finish: 'length' })
    expect(observed.failure).toBeUndefined()
  })

  test('an event without an end fails the stream', () => {
    const tap = new Tap({ model: 's', includeUsage: true })
    const piece = Buffer.alloc(maxFrameBytes / 4, 'x')
    for (let count = 0; count < 5; count++) expect(tap.push(piece)).toHaveLength(0)
    expect(tap.observed.failure).toMatchObject({ class: 'server', status: 502 })
  })
})

describe.skipIf(!recordingsPresent)('recordings (skipped where they are absent)', () => {
  const streams = readRecordings('openai-chat').filter(({ response }) => response.chunks)
  const modelOf = (stream: string): string => /"model":\s*"([^"]+)"/.exec(stream)?.[1] ?? ''
  /** Frames that tell an error are the gateway's to write. */
  const withoutErrors = (recording: (typeof streams)[number]): string =>
    recording.response.chunks!.filter((frame) => !frame.startsWith('event: error')).join('')

  test.each(streams)('the bytes are the same, however they are cut: $id', (recording) => {
    const model = modelOf(streamBytes(recording).toString())
    const { out } = through(recut(streamBytes(recording), 7), { model, includeUsage: true })
    expect(out).toBe(withoutErrors(recording))
  })

  test.each(streams)('with another name only the name differs: $id', (recording) => {
    const model = modelOf(streamBytes(recording).toString())
    const { out } = through(recut(streamBytes(recording), 8), { model: 'shadow', includeUsage: true })
    const named = new RegExp(`("model":\\s*)"${RegExp.escape(model)}"`, 'g')
    expect(out).toBe(withoutErrors(recording).replaceAll(named, '$1"shadow"'))
  })
})
