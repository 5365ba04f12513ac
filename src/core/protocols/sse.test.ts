import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatEvent, maxFrameBytes, parseFrame, SseFrameTooLarge, SseSplitter } from './sse.ts'

const lineEnd = fc.constantFrom('\n', '\r\n', '\r')
const name = fc.stringMatching(/^[a-z_.]{1,12}$/)
/** Text of a data line: anything but a line end. */
const line = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replaceAll(/[\r\n]/g, ' '))

interface Written {
  readonly event: string
  readonly data: string
  readonly text: string
}

/** A frame as some server might write it, and what it says. */
const written: fc.Arbitrary<Written> = fc
  .record({
    event: fc.option(name, { nil: '' }),
    lines: fc.array(line, { minLength: 1, maxLength: 3 }),
    comment: fc.option(line, { nil: undefined }),
    space: fc.boolean(),
    end: lineEnd,
  })
  .map(({ event, lines, comment, space, end }) => {
    const gap = space ? ' ' : ''
    const fields = [
      ...(comment === undefined ? [] : [`:${comment}`]),
      ...(event === '' ? [] : [`event:${gap}${event}`]),
      // Without the optional space a text that begins with one would lose it.
      ...lines.map((text) => `data:${text.startsWith(' ') ? ' ' : gap}${text}`),
    ]
    return { event, data: lines.join('\n'), text: fields.join(end) + end + end }
  })

/** Cuts at the given fractions of the length. */
const cutAt = (bytes: Buffer, fractions: readonly number[]): Buffer[] => {
  const places = fractions
    .map((fraction) => Math.floor(fraction * bytes.length))
    .toSorted((left, right) => left - right)
  const pieces: Buffer[] = []
  let from = 0
  for (const place of [...places, bytes.length]) {
    pieces.push(bytes.subarray(from, place))
    from = place
  }
  return pieces
}

const split = (pieces: readonly Buffer[]): { frames: Buffer[]; rest: Buffer } => {
  const splitter = new SseSplitter()
  const frames = pieces.flatMap((piece) => splitter.push(piece))
  return { frames, rest: splitter.finish() }
}

describe('the splitter', () => {
  test('gives every frame once and no byte twice, whatever the line ends and wherever the network cuts', () => {
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), { maxLength: 12 })
    fc.assert(
      fc.property(fc.array(written, { minLength: 1, maxLength: 5 }), cuts, (events, fractions) => {
        const bytes = Buffer.from(events.map((event) => event.text).join(''))
        const { frames, rest } = split(cutAt(bytes, fractions))
        expect(Buffer.concat([...frames, rest]).equals(bytes)).toBe(true)
        // A lone \r at the very end might still become \r\n, so that frame waits in the rest.
        const whole = rest.length > 0 ? [...frames, rest] : frames
        const told = whole.map(parseFrame).filter((frame) => frame.data !== '' || frame.event !== '')
        const meant = events.filter((event) => event.data !== '' || event.event !== '')
        expect(told.map(({ event, data }) => ({ event, data }))).toEqual(
          meant.map(({ event, data }) => ({ event, data })),
        )
      }),
    )
  })

  test('does not depend on the cuts, not even one byte at a time', () => {
    const bytes = Buffer.from('data: {"text":"東京 🙂"}\r\n\r\nevent: a\ndata: 1\n\n: ping\n\ndata: [DONE]\n\n')
    const atOnce = split([bytes]).frames.map(String)
    expect(split(Array.from(bytes, (byte) => Buffer.from([byte]))).frames.map(String)).toEqual(atOnce)
    expect(atOnce).toHaveLength(4)
  })

  test('keeps an unterminated frame for the end', () => {
    const { frames, rest } = split([Buffer.from('data: 1\n\ndata: 2\n')])
    expect(frames.map(String)).toEqual(['data: 1\n\n'])
    expect(rest.toString()).toBe('data: 2\n')
  })

  test('refuses to collect an endless frame', () => {
    const splitter = new SseSplitter()
    const piece = Buffer.alloc(64 * 1024, 'x')
    expect(() => {
      for (let sent = 0; sent <= maxFrameBytes; sent += piece.length) splitter.push(piece)
    }).toThrow(SseFrameTooLarge)
  })

  test('refuses a frame that is too large, however few pieces it comes in', () => {
    const frame = Buffer.from(`data: ${'x'.repeat(maxFrameBytes)}\n\n`)
    expect(() => new SseSplitter().push(frame)).toThrow(SseFrameTooLarge)
    expect(() => split([frame.subarray(0, 100), frame.subarray(100)])).toThrow(SseFrameTooLarge)
  })

  test('takes an image of several megabytes as one event', () => {
    const frame = Buffer.from(`data: {"image":"${'x'.repeat(6 * 1024 * 1024)}"}\n\n`)
    const pieces = Array.from({ length: Math.ceil(frame.length / 65_536) }, (_, at) =>
      frame.subarray(at * 65_536, (at + 1) * 65_536),
    )
    const { frames } = split(pieces)
    expect(frames).toHaveLength(1)
    expect(frames[0]!.equals(frame)).toBe(true)
  })

  test('frames cut from collected pieces stay as they are when more is collected', () => {
    const frames = Array.from({ length: 50 }, (_, count) => `data: ${String(count).repeat(40)}\n\n`)
    const bytes = Buffer.from(frames.join(''))
    const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, at) => bytes.subarray(at * 7, at * 7 + 7))
    expect(split(pieces).frames.map(String)).toEqual(frames)
  })

  test('takes frames of any number in one piece, however large together', () => {
    const frame = `data: ${'x'.repeat(1000)}\n\n`
    expect(split([Buffer.from(frame.repeat(2000))]).frames).toHaveLength(2000)
  })
})

describe('the parser', () => {
  const parse = (text: string) => {
    const { event, data } = parseFrame(Buffer.from(text))
    return { event, data }
  }

  test.each([
    ['one space behind the colon belongs to the syntax', 'data:  two\n\n', { event: '', data: ' two' }],
    ['no space is needed', 'data:x\n\n', { event: '', data: 'x' }],
    ['data lines are joined', 'data: a\ndata:\ndata: b\n\n', { event: '', data: 'a\n\nb' }],
    ['a field without a colon is empty', 'data\n\n', { event: '', data: '' }],
    ['comments say nothing', ': OPENROUTER PROCESSING\n\n', { event: '', data: '' }],
    ['unknown fields say nothing', 'id: 7\nretry: 10\nevent: e\ndata: d\n\n', { event: 'e', data: 'd' }],
    ['the last event name counts', 'event: a\nevent: b\ndata: d\n\n', { event: 'b', data: 'd' }],
    ['a byte order mark is no part of the first field', '\ufeffdata: d\n\n', { event: '', data: 'd' }],
    ['field names are exact', ' data: d\nData: e\n\n', { event: '', data: '' }],
  ])('%s', (_rule, text, expected) => {
    expect(parse(text)).toEqual(expected)
  })

  test('invalid UTF-8 becomes the replacement character', () => {
    expect(parseFrame(Buffer.from([...Buffer.from('data: '), 0xff, 0x0a, 0x0a])).data).toBe('\ufffd')
  })

  test('reads back what is formatted', () => {
    fc.assert(
      fc.property(fc.option(name, { nil: '' }), line, (event, data) => {
        expect(parse(formatEvent(event, data))).toEqual({ event, data })
      }),
    )
  })
})
