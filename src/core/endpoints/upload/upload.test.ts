import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { boundaryOf, MultipartScanner } from './scanner.ts'
import { createSpools } from './spool.ts'
import { openUpload } from './upload.ts'

const dir = mkdtempSync(join(tmpdir(), 'gateway-upload-'))
afterAll(() => rmSync(dir, { recursive: true }))

const spools = createSpools(dir, 2)
const boundary = 'XyZ'
const field = (name: string, value: string) =>
  `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
const file = (content: string, name = 'speech "1".mp3') =>
  `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name.replaceAll('"', '\\"')}"\r\nContent-Type: audio/mpeg\r\nX-Odd: kept\r\n\r\n${content}\r\n`
const end = `--${boundary}--\r\n`

async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
const open = (text: string, { size = 7, mostBytes = 10_000_000 } = {}) =>
  openUpload({ body: pieces(text, size), boundary, mostBytes, spools, now: 0 })
const collect = async (body: AsyncIterable<Buffer>): Promise<string> => {
  const parts: Buffer[] = []
  for await (const part of body) parts.push(part)
  return Buffer.concat(parts).toString()
}
/** The body as it was sent, under the client's own boundary. */
const sentAs = async (text: string, model: string, size?: number) => {
  const upload = await open(text, size === undefined ? {} : { size })
  const sent = await collect(upload.send({ model }))
  await upload.close()
  return { upload, sent: sent.replaceAll(boundaryOf(upload.contentType), boundary) }
}

describe('the provider gets the parts as they came, but for the model', () => {
  const content = `ID3\u0000 \r\n--Xy\r\n-- almost a boundary \r\n\r\n${'x'.repeat(200_000)}`
  test.each([1, 7, 64 * 1024])('in pieces of %i bytes, model in front of the file', async (size) => {
    const small = size === 1 ? content.slice(0, 500) : content
    const text = field('model', 'shadow') + field('language', 'de') + file(small) + field('prompt', 'häh') + end
    const { upload, sent } = await sentAs(text, 'real', size)
    expect(sent).toBe(text.replace('shadow', 'real'))
    expect(upload.spooled).toBe(false)
    expect(JSON.parse(upload.fields.toString())).toEqual({ model: 'shadow', language: 'de' })
  })

  test.each([7, 64 * 1024])('in pieces of %i bytes, model behind the file', async (size) => {
    const text =
      file(content) + field('stream', 'true') + field('tags[]', 'a') + field('n', '2') + field('model', 'shadow') + end
    const { upload, sent } = await sentAs(text, 'real', size)
    expect(sent).toBe(text.replace('shadow', 'real'))
    expect(upload.spooled).toBe(true)
    expect(JSON.parse(upload.fields.toString())).toEqual({ stream: true, 'tags[]': ['a'], n: 2, model: 'shadow' })
    expect(readdirSync(dir)).toEqual([])
  })

  test('also without a file, with a preamble, an epilogue and empty parts', async () => {
    const { sent } = await sentAs(`to be ignored\r\n${field('model', 'shadow')}${file('')}${end}and this`, 'real')
    expect(sent).toBe(field('model', 'real') + file('') + end)
    expect((await sentAs(field('model', 'shadow') + end, 'real')).sent).toBe(field('model', 'real') + end)
  })
})

test('only so many uploads may wait on the disk at a time', async () => {
  const text = file('x') + field('model', 'a') + end
  const [first, second] = [await open(text), await open(text)]
  expect(first.mostBytes).toBe(text.length)
  await expect(open(text)).rejects.toMatchObject({ code: 'overloaded', status: 503 })
  await first.close()
  await first.close()
  await (await open(text)).close()
  await second.close()
})

test('a file is read no faster than it is sent', async () => {
  let given = 0
  async function* body(): AsyncGenerator<Buffer> {
    yield Buffer.from(field('model', 'a') + file('x').slice(0, -2))
    for (; given < 1000; given++) yield Buffer.alloc(1024)
    yield Buffer.from(`\r\n${end}`)
  }
  const upload = await openUpload({ body: body(), boundary, mostBytes: 10_000_000, spools, now: 0 })
  const sent = upload.send({})
  for (let at = 0; at < 10; at++) await sent.next()
  expect(given).toBeLessThan(10)
})

describe('refused', () => {
  const head = (lines: string) => `--${boundary}\r\n${lines}\r\n\r\nx\r\n${end}`
  test.each([
    ['no boundary', 'nothing of the kind'.repeat(1000)],
    ['dashes without end', '-'.repeat(10_240)],
    ['no end', field('model', 'a')],
    ['a hundred thousand parts', field('a', 'b').repeat(100_000) + end],
    ['a header of a megabyte', `--${boundary}\r\nX-Long: ${'x'.repeat(1_000_000)}\r\n\r\n`],
    ['a part without a name', head('Content-Disposition: form-data')],
    ['a part that is no form data', head('Content-Disposition: attachment; name="a"')],
    [
      'a part with two names',
      head('Content-Disposition: form-data; name="a"\r\nContent-Disposition: form-data; name="b"'),
    ],
    ['a line that is no header', head('nonsense')],
    [
      'multipart in multipart',
      head('Content-Disposition: form-data; name="a"\r\nContent-Type: multipart/mixed; boundary=b'),
    ],
    ['a path as file name', file('x', '../../x') + end],
    ['a second model', field('model', 'a') + field('model', 'b') + end],
    ['a forbidden field', field('model', 'a') + field('api_base', 'b') + end],
    ['no model at all, and a file', file('x')],
  ])('%s: 400 within 100 ms', async (_, text) => {
    const began = performance.now()
    await expect(open(text, { size: 65_536 })).rejects.toMatchObject({ status: 400 })
    expect(performance.now() - began).toBeLessThan(100)
  })

  test.each([
    ['a second model behind the file', field('model', 'b')],
    ['a forbidden field behind the file', field('base_url', 'b')],
  ])('%s, while it is being sent', async (_, late) => {
    const upload = await open(field('model', 'a') + file('x') + late + end)
    await expect(collect(upload.send({ model: 'real' }))).rejects.toMatchObject({ status: 400 })
  })

  test('more bytes than are allowed: 413', async () => {
    await expect(open(file('x'.repeat(5000)) + end, { mostBytes: 1000 })).rejects.toMatchObject({ status: 413 })
    await expect(open(field('a', 'x'.repeat(2_000_000)) + end, { size: 65_536 })).rejects.toMatchObject({ status: 413 })
  })

  test.each([
    'multipart/form-data',
    'multipart/form-data; boundary=',
    `multipart/form-data; boundary=${'x'.repeat(71)}`,
    'multipart/form-data; boundary="a\u0001b"',
  ])('the boundary of %j', (type) => expect(() => boundaryOf(type)).toThrow(expect.objectContaining({ status: 400 })))
})

test('hostile bytes never throw anything but a refusal', () => {
  let state = 7
  const next = (): number => (state = (state * 1_103_515_245 + 12_345) & 0x7fffffff)
  for (let round = 0; round < 300; round++) {
    const scanner = new MultipartScanner(boundary)
    const bytes = Buffer.from(field('model', 'a') + file('abc') + end)
    for (let at = 0; at < 5; at++) bytes[next() % bytes.length] = next() & 0xff
    try {
      for (let at = 0; at < bytes.length; at += 11) scanner.push(bytes.subarray(at, at + 11))
      scanner.finish()
    } catch (error) {
      expect(error).toMatchObject({ status: 400 })
    }
  }
})
