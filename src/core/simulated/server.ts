import { hash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../kernel/clock.ts'
import { anthropicRendering } from './anthropic.ts'
import { embed, readEmbeddingRequest } from './embeddings.ts'
import { scriptOf, simulatedModelNames } from './models.ts'
import type { Fault, Script } from './models.ts'
import { geminiRendering } from './gemini.ts'
import { openAiRendering } from './openai.ts'
import { readGeminiPrompt } from './prompt-gemini.ts'
import { readResponsesPrompt } from './prompt-responses.ts'
import { BadPrompt, readAnthropicPrompt, readOpenAiPrompt } from './prompt.ts'
import type { Prompt } from './prompt.ts'
import { composeReply, countInput } from './reply.ts'
import { responsesRendering } from './responses.ts'
import type { Answer, Rendering } from './rendering.ts'

export interface Simulated {
  /** The base URL of a provider of kind `simulated`, with its version segment: `http://127.0.0.1:PORT/v1`. */
  readonly url: string
  close(): Promise<void>
}

const maxBodyBytes = 64 * 1024 * 1024
const embeddingsPath = '/v1/embeddings'

interface Route {
  readonly read: (body: Buffer) => Prompt
  readonly rendering: Rendering
  readonly countOnly: boolean
}

const anthropicRoute: Route = { read: readAnthropicPrompt, rendering: anthropicRendering, countOnly: false }
const geminiPath = /^\/v1(?:beta)?\/models\/([^/:]+):(generateContent|streamGenerateContent|countTokens)$/

/** Gemini's model and manner stand in the path. */
const geminiRoute = (path: string): Route | undefined => {
  const match = geminiPath.exec(path)
  if (!match) return undefined
  const [, model, method] = match
  return {
    read: (body) => readGeminiPrompt(body, decodeURIComponent(model!), method === 'streamGenerateContent'),
    rendering: geminiRendering,
    countOnly: method === 'countTokens',
  }
}

const routes: Readonly<Record<string, Route | undefined>> = {
  '/v1/chat/completions': { read: readOpenAiPrompt, rendering: openAiRendering, countOnly: false },
  '/v1/responses': {
    read: readResponsesPrompt,
    rendering: { ...openAiRendering, ...responsesRendering },
    countOnly: false,
  },
  '/v1/messages': anthropicRoute,
  '/v1/messages/count_tokens': { ...anthropicRoute, countOnly: true },
}

/**
 * A provider inside this process, for trying the gateway without an account and for tests: an HTTP server on the loopback interface that speaks four protocols. Its
 * answers depend on the request alone; its models and their faults are in models.ts. It accepts any credentials.
 */
export const startSimulated = async ({ clock }: { readonly clock: Clock }): Promise<Simulated> => {
  const server = createServer((request, response) => {
    serve(request, response, clock).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

const serve = async (request: IncomingMessage, response: ServerResponse, clock: Clock): Promise<void> => {
  const path = (request.url ?? '').replace(/\?.*$/, '')
  const anthropic = request.headers['anthropic-version'] !== undefined
  if (path === '/v1/models') return sendJson(response, 200, modelList(anthropic))
  const route = Object.hasOwn(routes, path) ? routes[path] : geminiRoute(path)
  const { rendering } = route ?? { rendering: anthropic ? anthropicRendering : openAiRendering }
  const body = await read(request)
  const requestId = `req_sim${hash('sha256', body ?? '', 'hex').slice(0, 20)}`
  response.setHeader('x-request-id', requestId)
  response.setHeader('request-id', requestId)
  const refuse = (status: number, message: string): void => {
    if (status === 429 || status === 503 || status === 529) response.setHeader('retry-after', '2')
    sendJson(response, status, rendering.error(status, message, requestId))
  }
  if (path === embeddingsPath && request.method === 'POST' && body) return serveEmbeddings(response, body, refuse)
  if (!route) return refuse(404, `There is nothing at ${path}.`)
  if (request.method !== 'POST') return refuse(405, 'Use POST.')
  if (!body) return refuse(413, 'The body is too large.')

  let prompt: Prompt
  try {
    prompt = route.read(body)
  } catch (error) {
    return refuse(400, error instanceof BadPrompt ? error.message : 'The request is not valid.')
  }
  const script = scriptOf(prompt.model)
  if (!script) return refuse(404, `The model "${prompt.model}" does not exist.`)
  if (route.countOnly)
    return sendJson(response, 200, rendering.count?.(countInput(prompt)) ?? { input_tokens: countInput(prompt) })
  if (script.error !== null) return refuse(script.error, `This is the error ${script.error} that was asked for.`)
  const answer: Answer = { prompt, reply: composeReply(prompt, script), created: Math.floor(clock.now() / 1000) }
  await (prompt.stream
    ? sendStream(response, rendering, answer, script, requestId)
    : sendWhole(response, rendering, answer, script, refuse))
}

const serveEmbeddings = (response: ServerResponse, body: Buffer, refuse: Refuse): void => {
  try {
    const asked = readEmbeddingRequest(body)
    const script = scriptOf(asked.model)
    if (!script) return refuse(404, `The model "${asked.model}" does not exist.`)
    if (script.error !== null) return refuse(script.error, `This is the error ${script.error} that was asked for.`)
    sendJson(response, 200, embed(asked))
  } catch (error) {
    refuse(400, error instanceof BadPrompt ? error.message : 'The request is not valid.')
  }
}

const modelList = (anthropic: boolean): object =>
  anthropic
    ? {
        data: simulatedModelNames.map((id) => ({
          type: 'model',
          id,
          display_name: id,
          created_at: '2026-01-01T00:00:00Z',
        })),
        has_more: false,
        first_id: simulatedModelNames[0],
        last_id: simulatedModelNames.at(-1),
      }
    : {
        object: 'list',
        data: simulatedModelNames.map((id) => ({ id, object: 'model', created: 1_767_225_600, owned_by: 'simulated' })),
      }

/** Null when it is too large. */
const read = async (request: IncomingMessage): Promise<Buffer | null> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= maxBodyBytes) chunks.push(chunk)
  }
  return size > maxBodyBytes ? null : Buffer.concat(chunks)
}

const sendJson = (response: ServerResponse, status: number, body: object): void => {
  const text = JSON.stringify(body)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.end(text)
}

type Refuse = (status: number, message: string) => void

const sendWhole = async (
  response: ServerResponse,
  rendering: Rendering,
  answer: Answer,
  script: Script,
  refuse: Refuse,
): Promise<void> => {
  await pause(response, script.firstMs)
  const { fault } = script
  if (!fault) return sendJson(response, 200, rendering.whole(answer))
  if (fault.kind === 'error') return refuse(500, 'This is the error that was asked for.')
  if (fault.after === null) return
  const text = JSON.stringify(rendering.whole(answer))
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.write(text.slice(0, text.length / 2))
  await pause(response, script.pieceMs)
  breakOff(response, fault.kind)
}

const sendStream = async (
  response: ServerResponse,
  rendering: Rendering,
  answer: Answer,
  script: Script,
  requestId: string,
): Promise<void> => {
  await pause(response, script.firstMs)
  const { fault } = script
  if (fault?.after === null) return
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  let sent = 0
  for (const { bytes, paced } of rendering.stream(answer)) {
    if (paced && fault && sent === fault.after) {
      if (fault.kind === 'error')
        response.end(rendering.streamError('This is the error that was asked for.', requestId))
      else if (fault.kind === 'cut') response.end()
      else breakOff(response, fault.kind)
      return
    }
    if (paced) {
      sent++
      await pause(response, script.pieceMs)
    }
    if (response.closed) return
    if (!response.write(bytes)) await drained(response)
  }
  response.end()
}

/** In the middle of the message: what was written before still arrives. */
const breakOff = (response: ServerResponse, kind: Fault['kind']): void => {
  if (kind === 'reset') setImmediate(() => response.socket?.resetAndDestroy())
  else if (kind === 'cut') setImmediate(() => response.socket?.end())
}

/** Waits, unless the client leaves first. */
const pause = async (response: ServerResponse, ms: number): Promise<void> => {
  if (ms === 0 || response.closed) return
  const left = new AbortController()
  const leave = (): void => left.abort()
  response.once('close', leave)
  await sleep(ms, undefined, { signal: left.signal }).catch(() => {})
  response.off('close', leave)
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
