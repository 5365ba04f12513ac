import { connect, type Socket } from 'node:net'
import { chatBody, chatPath, type Scene } from './scene.ts'

/** One response as bytes told it. */
export interface RawResponse {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

export interface RawAnswer {
  /** Final responses in order; interim ones (1xx) are counted only. */
  readonly responses: readonly RawResponse[]
  readonly interim: number
  /** Bytes behind the last whole response. */
  readonly rest: string
  /** Whether the other side ended the connection. */
  readonly closed: boolean
}

export interface RawOptions {
  /** Close our direction after the last byte. */
  readonly halfClose?: boolean
  /** Resolve when so many responses have come, without waiting for the end of the connection. */
  readonly until?: number
  /** Milliseconds after which what has come is returned. */
  readonly timeoutMs?: number
  /** Milliseconds between the pieces. */
  readonly pauseMs?: number
}

/** Writes bytes to a TCP port, piece by piece, and collects what comes back. */
export const sendRaw = (
  url: string,
  pieces: readonly (string | Buffer)[],
  options: RawOptions = {},
): Promise<RawAnswer> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    const received: Buffer[] = []
    let finished = false
    const finish = (closed: boolean): void => {
      if (finished) return
      finished = true
      clearTimeout(timer)
      socket.destroy()
      resolve({ ...parseResponses(Buffer.concat(received)), closed })
    }
    const timer = setTimeout(() => finish(false), options.timeoutMs ?? 5_000)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => finish(true))
    socket.on('end', () => finish(true))
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk)
      if (options.until === undefined) return
      if (parseResponses(Buffer.concat(received)).responses.length >= options.until) finish(false)
    })
    void writePieces(socket, pieces, options.pauseMs ?? 0).then(() => {
      if (options.halfClose) socket.end()
    })
  })

const writePieces = async (socket: Socket, pieces: readonly (string | Buffer)[], pauseMs: number): Promise<void> => {
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    if (!socket.writable) return
    socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)
  }
}

const parseResponses = (bytes: Buffer): Omit<RawAnswer, 'closed'> => {
  const responses: RawResponse[] = []
  let interim = 0
  let text = bytes.toString('latin1')
  for (;;) {
    const end = text.indexOf('\r\n\r\n')
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)
    if (end === -1 || !status) break
    const headers = new Map(
      text
        .slice(0, end)
        .split('\r\n')
        .slice(1)
        .map((line): [string, string] => {
          const colon = line.indexOf(':')
          return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
        }),
    )
    const rest = text.slice(end + 4)
    if (status[1]!.startsWith('1')) {
      interim++
      text = rest
      continue
    }
    const body = headers.get('transfer-encoding') === 'chunked' ? unchunk(rest) : take(rest, headers)
    if (body === null) break
    responses.push({ status: Number(status[1]), headers, body: body.text })
    text = rest.slice(body.length)
  }
  return { responses, interim, rest: text }
}

const take = (text: string, headers: ReadonlyMap<string, string>): { text: string; length: number } | null => {
  const length = Number(headers.get('content-length') ?? 0)
  return text.length < length ? null : { text: text.slice(0, length), length }
}

const unchunk = (text: string): { text: string; length: number } | null => {
  let body = ''
  let at = 0
  for (;;) {
    const line = text.indexOf('\r\n', at)
    if (line === -1) return null
    const size = parseInt(text.slice(at, line), 16)
    const next = line + 2 + size + 2
    if (text.length < next) return null
    body += text.slice(line + 2, line + 2 + size)
    at = next
    if (size === 0) return { text: body, length: at }
  }
}

type Headers = readonly string[]
export interface Parts {
  readonly line?: string
  /** Instead of the Host line. */
  readonly host?: Headers
  /** Instead of the lines that frame the body. */
  readonly framing?: Headers
  readonly more?: Headers
  /** The body as it goes over the wire. */
  readonly body?: string
}

export const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
export const chunkedCoding = 'Transfer-Encoding: chunked'
/** What a paid request asks: an answer of the shadow model `m`. */
export const askedOfM = JSON.stringify(chatBody('m'))

/** Requests as bytes, with the key of a scene. */
export const rawRequests = ({ gateway, key }: Scene) => {
  const { host } = new URL(gateway.url)
  return {
    /** A paid request that would succeed, but for what is changed in it. */
    paid: ({ line, host: hosts, framing, more = [], body = askedOfM }: Parts = {}): string =>
      [
        line ?? `POST ${chatPath} HTTP/1.1`,
        ...(hosts ?? [`Host: ${host}`]),
        'Content-Type: application/json',
        `Authorization: Bearer ${key}`,
        ...(framing ?? [`Content-Length: ${Buffer.byteLength(body)}`]),
        ...more,
        '',
        body,
      ].join('\r\n'),
    get: (path: string, ...more: string[]): string =>
      [`GET ${path} HTTP/1.1`, `Host: ${host}`, `Authorization: Bearer ${key}`, ...more, '', ''].join('\r\n'),
  }
}
