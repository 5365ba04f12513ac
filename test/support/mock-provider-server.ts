import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { answerChunks, chunkBytes } from './mock-provider-answers.ts'
import type { Asked, Behaviour } from './mock-provider-answers.ts'

/** One request as the provider saw it. The list only grows; an entry's end is filled in when it is known. */
export interface Attempt {
  /** `x-gateway-attempt`, else `x-request-id`, of the request; '' without either. */
  readonly id: string
  readonly at: number
  readonly method: string
  readonly path: string
  readonly model: string
  readonly stream: boolean
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Up to 64 KiB of the body as text. */
  readonly body: string
  readonly bodyBytes: number
  /** What the answer reported, or would have. */
  readonly usage: { readonly input: number; readonly output: number } | null
  status: number
  /** Bytes of the answer's body that were written. */
  sentBytes: number
  /** `closed`: the caller went away before the end. `fault`: what the script asked for. */
  outcome: 'answering' | 'complete' | 'closed' | 'fault'
}

export interface MockServer {
  readonly url: string
  /** `*` is the behaviour of every model without one of its own; `Bearer …` that of a credential, before any model's. */
  script(model: string, behaviour: Behaviour | readonly Behaviour[]): void
  log(): readonly Attempt[]
  /** Connections that are open now. */
  connections(): number
  close(): Promise<void>
}

const keptBody = 64 * 1024
export const controlPath = '/__mock'

/** The provider in this process. Attempts of a model get its behaviours in turn. */
export const startMockServer = async (): Promise<MockServer> => {
  const scripts = new Map<string, Behaviour[]>()
  const attempts: Attempt[] = []
  let open = 0

  const script = (model: string, behaviour: Behaviour | readonly Behaviour[]): void => {
    scripts.set(
      model,
      'length' in behaviour ? behaviour.flatMap((each) => Array<Behaviour>(each.times ?? 1).fill(each)) : [behaviour],
    )
  }
  const next = (model: string, credential: string): Behaviour => {
    const list = scripts.get(credential) ?? scripts.get(model) ?? scripts.get('*') ?? []
    return (list.length > 1 ? list.shift() : list[0]) ?? {}
  }
  const control = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await read(request)
    if (request.url === `${controlPath}/script`) {
      const { model, behaviour } = JSON.parse(body.toString()) as { model: string; behaviour: Behaviour | Behaviour[] }
      script(model, behaviour)
    }
    const connections = open - 1
    response.end(request.url === `${controlPath}/state` ? JSON.stringify({ attempts, connections }) : '{}')
  }
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.url?.startsWith(controlPath)) return control(request, response)
    const body = await read(request)
    const asked = readAsked(request.url ?? '', body)
    const behaviour = next(asked.model, request.headers.authorization ?? '')
    const id = request.headers['x-gateway-attempt'] ?? request.headers['x-request-id'] ?? ''
    const usage = behaviour.usage === undefined ? { input: 10, output: 5 } : behaviour.usage
    const attempt: Attempt = {
      id: String(id),
      at: Date.now(),
      method: request.method ?? '',
      path: asked.path,
      model: asked.model,
      stream: asked.stream,
      headers: request.headers,
      body: body.toString('utf8', 0, keptBody),
      bodyBytes: body.length,
      usage,
      status: 0,
      sentBytes: 0,
      outcome: 'answering',
    }
    attempts.push(attempt)
    response.on('close', () => {
      if (attempt.outcome === 'answering') attempt.outcome = 'closed'
    })
    await answer(asked, behaviour, attempt, response)
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  server.on('connection', (socket) => {
    socket.setNoDelay(true)
    open++
    socket.on('close', () => open--)
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    script,
    log: () => attempts,
    connections: () => open,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const read = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const readAsked = (url: string, body: Buffer): Asked => {
  const path = url.replace(/\?.*$/, '')
  try {
    const parsed = JSON.parse(body.toString()) as {
      model?: string
      stream?: boolean
      stream_options?: { include_usage?: boolean }
    }
    const { model = '', stream = false, stream_options: options } = parsed
    return { path, model, stream, includeUsage: options?.include_usage === true }
  } catch {
    const [, model = ''] = /name="model"\r\n\r\n([^\r]*)/.exec(body.toString('latin1')) ?? []
    const stream = /name="stream"\r\n\r\ntrue/.test(body.toString('latin1'))
    return { path, model, stream, includeUsage: false }
  }
}

const answer = async (
  asked: Asked,
  behaviour: Behaviour,
  attempt: Attempt,
  response: ServerResponse,
): Promise<void> => {
  const { status = 200, fault, framing = 'chunked', chunkDelayMs = 0 } = behaviour
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const wait = (ms: number): Promise<unknown> => sleep(ms, undefined, { signal: gone.signal }).catch(() => {})
  if (behaviour.delayMs) await wait(behaviour.delayMs)
  if (fault && fault.afterBytes === undefined) return breakOff(fault.kind, attempt, response)
  if (gone.signal.aborted) return
  if (behaviour.rawHttp !== undefined) {
    attempt.outcome = 'fault'
    response.socket?.write(chunkBytes(behaviour.rawHttp))
    return
  }
  const chunks = (behaviour.chunks ?? (behaviour.fill ? [] : answerChunks(asked, behaviour))).map(chunkBytes)
  attempt.status = status
  const type = asked.stream && status < 300 ? 'text/event-stream' : 'application/json'
  if (framing === 'close') response.useChunkedEncodingByDefault = false
  response.writeHead(status, {
    'content-type': type,
    ...(framing === 'length' && { 'content-length': String(chunks.reduce((sum, chunk) => sum + chunk.length, 0)) }),
    ...(framing === 'close' && { connection: 'close' }),
    ...behaviour.headers,
  })
  response.flushHeaders()

  const limit = fault?.afterBytes ?? Infinity
  for (const whole of withFill(chunks, behaviour)) {
    if (chunkDelayMs > 0) await wait(chunkDelayMs)
    if (gone.signal.aborted) return
    const chunk = whole.subarray(0, Math.max(0, limit - attempt.sentBytes))
    attempt.sentBytes += chunk.length
    if (chunk.length > 0 && !response.write(chunk)) await drained(response)
    if (gone.signal.aborted) return
    if (attempt.sentBytes >= limit) break
    // A turn between two writes keeps them apart on the wire as well as loopback allows.
    if (behaviour.fill === undefined) await turn()
  }
  if (fault && attempt.sentBytes >= limit) return breakOff(fault.kind, attempt, response)
  attempt.outcome = 'complete'
  response.end()
}

function* withFill(chunks: readonly Buffer[], { fill }: Behaviour): Generator<Buffer> {
  yield* chunks
  if (!fill) return
  const chunk = Buffer.from(fill.chunk)
  for (let left = fill.bytes; left > 0; left -= chunk.length) yield chunk.subarray(0, left)
}

const breakOff = async (
  kind: NonNullable<Behaviour['fault']>['kind'],
  attempt: Attempt,
  response: ServerResponse,
): Promise<void> => {
  // What was written before must have left this process, or the reset would take it along.
  await turn()
  attempt.outcome = 'fault'
  if (kind === 'reset') response.socket?.resetAndDestroy()
  else if (kind === 'cut') response.socket?.end()
  else if (kind === 'end') response.end()
}

/** Until there is room to write again, or nobody to write to. */
const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
