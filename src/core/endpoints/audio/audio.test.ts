import { describe, expect, test } from 'vitest'
import { sideRoad } from '../../../../test/support/side-road.ts'
import { readRecordingsIn, recordingsPresent } from '../../../../test/support/recordings.ts'
import { secondsOfCues } from './seconds.ts'
import { speech } from './speech.ts'
import { transcriptions } from './transcriptions.ts'

const hear = (fields: object = {}) =>
  sideRoad(transcriptions, { model: 'shadow', ...fields }, { kind: 'openai', place: { uploadBytes: 64_000 } })
const heard = (body: string, type?: string) => hear().unary(Buffer.from(body), type)
const say = (fields: object = {}) =>
  sideRoad(speech, { model: 'shadow', input: 'Hello there, Ada.', voice: 'alloy', ...fields }, { kind: 'openai' })

describe('transcripts', () => {
  test('tokens and seconds are what the provider tells', () => {
    const tokens = heard(
      '{"text":"hi","usage":{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":0,"audio_tokens":14},"output_tokens":2,"total_tokens":16}}',
    )
    expect(tokens.observed).toMatchObject({
      complete: true,
      usage: { input: { uncached: 14 }, output: { visible: 2 }, detail: { audioIn: 14 } },
    })
    const seconds = heard('{"text":"hi","usage":{"type":"duration","seconds":9}}')
    expect(seconds.observed).toMatchObject({ usage: { input: { uncached: 90 }, output: { visible: 0 } } })
    expect(seconds.observed.estimated).toBeUndefined()
  })

  test('without either the recording’s length is taken from what the transcript shows', () => {
    expect(heard('{"text":"hi","duration":8.47,"language":"english"}').observed).toMatchObject({
      estimated: true,
      usage: { input: { uncached: 85 } },
    })
    const srt = '1\n00:00:01,000 --> 00:00:04,500\nHello\n\n2\n00:01:04,500 --> 01:01:06,200\nYou\n'
    const subtitles = heard(srt, 'text/plain; charset=utf-8')
    expect(subtitles).toMatchObject({
      contentType: 'text/plain; charset=utf-8',
      observed: { estimated: true, usage: { input: { uncached: 36_662 } } },
    })
    expect(subtitles.body.toString()).toBe(srt)
    expect(secondsOfCues('WEBVTT\n\n00:01.000 --> 00:04.000\nHi')).toBe(4)
    expect(heard('x'.repeat(150), 'text/plain').observed).toMatchObject({ usage: { input: { uncached: 100 } } })
  })

  test('what is no transcript is none', () => {
    expect(() => heard('<html></html>', 'text/html')).toThrow('no JSON object')
    expect(() => heard('{"ok":true}', 'application/json')).toThrow('no text')
  })

  test('the hold is bounded by the bytes of the recording', () => {
    const facts = transcriptions.inspect(Buffer.from('{"model":"m"}'), { uploadBytes: 640_000 })
    expect(facts.promptBound).toBeGreaterThanOrEqual(10_000)
    expect(facts.maxTokens).toBeGreaterThanOrEqual(5_000)
  })

  test('events framed with CRLF pass as they come', () => {
    const road = hear({ stream: true })
    expect(road.streams?.('text/event-stream; charset=utf-8')).toBe(true)
    expect(road.upload).toEqual({ model: 'real-model' })
    const tap = road.stream()
    const event = (type: string, more: object) => `data: ${JSON.stringify({ type, ...more })}\r\n\r\n`
    const sent = event('transcript.text.delta', { delta: 'Hello' }) + event('transcript.text.delta', { delta: ' you' })
    const done = event('transcript.text.done', {
      text: 'Hello you',
      usage: { type: 'tokens', input_tokens: 14, output_tokens: 3 },
    })
    let out = ''
    for (let at = 0; at < sent.length; at += 13) out += String(tap.push(Buffer.from(sent.slice(at, at + 13))))
    expect(out).toBe(sent)
    expect(tap.observed).toMatchObject({ deliveredChars: 9, complete: false })
    expect(String(tap.push(Buffer.from(done)))).toBe(done)
    expect(tap.observed).toMatchObject({ complete: true, usage: { input: { uncached: 14 }, output: { visible: 3 } } })
  })

  test('a stream that ends without usage is counted by us', () => {
    const tap = hear({ stream: true }).stream()
    tap.push(
      Buffer.from(
        'data: {"type":"transcript.text.delta","delta":"123456789012345"}\n\ndata: {"type":"transcript.text.done","text":""}\n\n',
      ),
    )
    expect(tap.observed).toMatchObject({
      complete: true,
      estimated: true,
      usage: { input: { uncached: 10 }, output: { visible: 4 } },
    })
  })
})

describe('speech', () => {
  test('a recording passes as bytes with its type', () => {
    const road = say()
    expect(road.streams?.('audio/mpeg')).toBe(true)
    expect(road.streams?.('text/html')).toBe(false)
    expect(road.streams?.('audio/mpeg\r\nx: y')).toBe(false)
    const stream = road.stream('audio/pcm; rate=24000; channels=1')
    expect(stream).toMatchObject({ binary: true, contentType: 'audio/pcm; rate=24000; channels=1' })
    const bytes = Buffer.from([0xff, 0xfb, 0, 1])
    expect(stream.push(bytes)).toBe(bytes)
    expect(stream.observed.complete).toBe(false)
    stream.finish()
    expect(stream.observed).toMatchObject({
      complete: true,
      estimated: true,
      usage: { input: { uncached: 5 }, output: { visible: 23 } },
    })
  })

  test('an empty recording is a failure', () => {
    const stream = say().stream('audio/mpeg')
    stream.finish()
    expect(stream.observed).toMatchObject({ complete: false, failure: { status: 502 } })
  })

  test('events tell their usage', () => {
    const tap = say({ stream_format: 'sse' }).stream('text/event-stream')
    tap.push(Buffer.from('data: {"type":"speech.audio.delta","audio":"AAAA"}\n\n'))
    tap.push(
      Buffer.from(
        'data: {"type":"speech.audio.done","usage":{"input_tokens":5,"output_tokens":40,"total_tokens":45}}\n\n',
      ),
    )
    expect(tap.observed).toMatchObject({ complete: true, usage: { output: { visible: 40 } } })
  })

  test('slow speech is held for', () => {
    const facts = (more: object) =>
      speech.inspect(Buffer.from(JSON.stringify({ model: 'm', input: 'x'.repeat(150), ...more })), {})
    expect(facts({}).maxTokens).toBe(800)
    expect(facts({ speed: 0.25 }).maxTokens).toBe(3200)
    expect(() => facts({ input: '' })).toThrow(expect.objectContaining({ status: 400 }))
  })

  test.skipIf(!recordingsPresent)('recorded answers are taken', () => {
    const recordings = readRecordingsIn('openai-audio')
    expect(recordings.length).toBeGreaterThan(1)
    for (const { id, response } of recordings) {
      const type = response.headers?.['content-type']
      const road = say()
      if (road.streams?.(type)) expect(road.stream(type).contentType, id).toBe('audio/mpeg')
      else
        expect(road.unary(Buffer.from(JSON.stringify(response.json))).observed, id).toMatchObject({
          complete: true,
          estimated: true,
        })
    }
  })
})
