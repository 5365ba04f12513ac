import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

type Json = Record<string, unknown>

/** One request as the provider saw it: method, path with query, and the secret it came with. */
export interface Seen {
  readonly method: string
  readonly path: string
  readonly secret: string
  readonly body: string
  readonly contentType: string | undefined
}

export interface KeepingProvider {
  /** Base URL with its version segment. */
  readonly url: string
  readonly seen: readonly Seen[]
  close(): Promise<void>
}

interface Kept {
  readonly response: Json
  readonly secret: string
  readonly said: readonly string[]
  readonly input: readonly Json[]
}

/**
 * A provider that speaks the Responses API and keeps what it answered, as OpenAI does (statuses and words after its reference). Its answer repeats everything that was
 * said since the first response of the chain; what one key made no other key finds.
 */
export const startKeepingProvider = async (): Promise<KeepingProvider> => {
  const kept = new Map<string, Kept>()
  const seen: Seen[] = []
  let count = 0

  const create = (body: Json, secret: string, response: ServerResponse): void => {
    const previous = body['previous_response_id'] as string | undefined
    const earlier = previous === undefined ? undefined : kept.get(previous)
    if (previous !== undefined && earlier?.secret !== secret)
      return refuse(response, 400, `Previous response with id '${previous}' not found.`, {
        param: 'previous_response_id',
        code: 'previous_response_not_found',
      })
    const text = String(body['input'])
    const said = [...(earlier?.said ?? []), text]
    const answer = `You said: ${said.join(', ')}.`
    const id = `resp_${(++count).toString(16).padStart(8, '0')}`
    const made = responseOf(id, body, answer, said.join('').length)
    if (body['store'] !== false) kept.set(id, { response: made, secret, said, input: [inputItem(id, text)] })
    if (body['stream'] === true) sendEvents(response, eventsOf(made, answer))
    else send(response, 200, made)
  }

  const about = (request: IncomingMessage, secret: string, response: ServerResponse): void => {
    const url = new URL(request.url ?? '', 'http://x')
    const [, id = '', below = ''] = /^\/v1\/responses\/([^/]+)(\/.*)?$/.exec(url.pathname) ?? []
    const found = kept.get(decodeURIComponent(id))
    if (found?.secret !== secret) return refuse(response, 404, `Response with id '${id}' not found.`)
    const call = `${request.method} ${below}`
    if (call === 'GET ') {
      if (url.searchParams.get('stream') !== 'true') return send(response, 200, found.response)
      const after = Number(url.searchParams.get('starting_after') ?? -1)
      const text = `You said: ${found.said.join(', ')}.`
      return sendEvents(response, eventsOf(found.response, text).slice(after + 1))
    }
    if (call === 'DELETE ') {
      kept.delete(id)
      return send(response, 200, { id, object: 'response', deleted: true })
    }
    if (call === 'POST /cancel') return refuse(response, 400, 'Cannot cancel a synchronous response.')
    if (call === 'GET /input_items') {
      const [first] = found.input
      return send(response, 200, {
        object: 'list',
        data: found.input,
        first_id: first?.['id'],
        last_id: first?.['id'],
        has_more: false,
      })
    }
    refuse(response, 404, 'Unknown request URL')
  }

  const server = createServer((request, response) => {
    readAll(request).then(
      (body) => {
        const secret = (request.headers.authorization ?? '').replace('Bearer ', '')
        seen.push({
          method: request.method ?? '',
          path: request.url ?? '',
          secret,
          body,
          contentType: request.headers['content-type'],
        })
        if (request.method === 'POST' && request.url === '/v1/responses')
          create(JSON.parse(body) as Json, secret, response)
        else about(request, secret, response)
      },
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const readAll = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

const send = (response: ServerResponse, status: number, body: Json): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const refuse = (response: ServerResponse, status: number, message: string, more: Json = {}): void =>
  send(response, status, { error: { message, type: 'invalid_request_error', param: null, code: null, ...more } })

const sendEvents = (response: ServerResponse, events: readonly Json[]): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  for (const event of events) response.write(`event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`)
  response.end()
}

const inputItem = (id: string, text: string): Json => ({
  id: id.replace('resp_', 'msg_in_'),
  type: 'message',
  status: 'completed',
  role: 'user',
  content: [{ type: 'input_text', text }],
})

const messageOf = (id: string, text: string): Json => ({
  id: id.replace('resp_', 'msg_'),
  type: 'message',
  status: 'completed',
  role: 'assistant',
  content: [{ type: 'output_text', text, annotations: [], logprobs: [] }],
})

const responseOf = (id: string, body: Json, text: string, input: number): Json => ({
  id,
  object: 'response',
  created_at: 1_700_000_000,
  status: 'completed',
  background: false,
  error: null,
  incomplete_details: null,
  instructions: null,
  max_output_tokens: body['max_output_tokens'] ?? null,
  metadata: {},
  model: body['model'],
  output: [messageOf(id, text)],
  parallel_tool_calls: true,
  previous_response_id: body['previous_response_id'] ?? null,
  store: body['store'] ?? true,
  temperature: 1,
  tool_choice: 'auto',
  tools: [],
  top_p: 1,
  usage: {
    input_tokens: input,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: text.length,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + text.length,
  },
})

/** Deltas of five characters. */
const eventsOf = (response: Json, text: string): Json[] => {
  const id = String(response['id'])
  const item = messageOf(id, text)
  const part = { type: 'output_text', text, annotations: [], logprobs: [] }
  const at = { item_id: item['id'], output_index: 0, content_index: 0 }
  const begun = { ...response, status: 'in_progress', output: [], usage: null }
  return [
    { type: 'response.created', response: begun },
    { type: 'response.in_progress', response: begun },
    { type: 'response.output_item.added', output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
    { type: 'response.content_part.added', ...at, part: { ...part, text: '' } },
    ...(text.match(/.{1,5}/gs) ?? []).map((delta) => ({
      type: 'response.output_text.delta',
      ...at,
      delta,
      logprobs: [],
    })),
    { type: 'response.output_text.done', ...at, text, logprobs: [] },
    { type: 'response.content_part.done', ...at, part },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response },
  ].map((event, index) => ({ ...event, sequence_number: index }))
}
