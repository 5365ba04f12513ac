import { GatewayError } from '../../kernel/errors.ts'
import { scanObject } from '../../protocols/json-scan.ts'
import { openaiResponses } from '../../protocols/openai-responses/index.ts'
import type { RequestFacts } from '../../protocols/protocol.ts'
import { type Endpoint, type Road, type RoadOptions, type UnaryAnswer, UnreadableAnswer } from '../endpoint.ts'
import { notOffered } from '../side/offers.ts'
import { type Answer, maskModel, readAnswer } from '../side/pass.ts'
import { FreeStream } from './free-stream.ts'

interface KeptCall {
  readonly id: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Behind the response's id. */
  readonly below: string
  /** Parameters of the query that pass; lists have a bracket pair behind their names. */
  readonly query: readonly string[]
  /** Throws UnreadableAnswer for what is no answer of this call. */
  readonly answer: (answer: Answer, shadowModel: string) => Buffer
}

const noBody = scanObject(Buffer.from('{}'))

/** One thing that can be done with a response that its provider keeps (https://platform.openai.com/docs/api-reference/responses). */
const keptEndpoint = (call: KeptCall): Endpoint => ({
  id: call.id,
  errors: openaiResponses,
  free: 'What it is about was paid for when it was made.',
  kept: true,
  inspect: (_body, { id = '', query }): RequestFacts => ({
    scanned: noBody,
    model: '',
    stream: call.query.includes('stream') && query?.get('stream') === 'true',
    includeUsage: true,
    choices: 1,
    remoteParts: 0,
    maxTokens: 0,
    refersTo: id,
  }),
  road: (options) => keptRoad(call, options),
})

const keptRoad = (call: KeptCall, { target, place, shadowModel }: RoadOptions): Road => {
  if (!target.speaks.includes('openai-responses')) throw notOffered(target, 'responses')
  const { id = '' } = place
  return {
    protocol: 'openai-responses',
    path: `/responses/${encodeURIComponent(id)}${call.below}${queryOf(call, place.query)}`,
    ...(call.method !== 'POST' && { method: call.method }),
    straight: true,
    warnings: [],
    request: () => (call.method === 'POST' ? noBody.bytes : Buffer.alloc(0)),
    // Nothing is delivered that was not paid for before: nothing is charged.
    unary: (body): UnaryAnswer => ({
      body: call.answer(readAnswer(body), shadowModel),
      observed: { deliveredChars: 0, complete: true },
    }),
    streams: (contentType) => contentType?.startsWith('text/event-stream') ?? false,
    stream: () => new FreeStream(openaiResponses.raw.createTap({ model: shadowModel, includeUsage: true })),
    decodeError(status, headers, body) {
      const failure = openaiResponses.decodeError(status, headers, body)
      const message = `Response with id '${id}' not found.`
      // What was deleted, has expired, or was never to be kept.
      if (status === 404) return { class: 'client', status, message, code: 'response_not_found' }
      if (status !== 405 && status !== 501) return failure
      return { class: 'client', status, message: 'The provider of this response does not serve that.' }
    },
  }
}

const queryOf = ({ query: names }: KeptCall, given: URLSearchParams | undefined): string => {
  const passed = [...(given ?? [])].filter(([name]) => names.includes(name.replace(/\[\d*\]$/, '')))
  return passed.length === 0 ? '' : `?${new URLSearchParams(passed).toString()}`
}

const aResponse = (answer: Answer, shadowModel: string): Buffer => {
  if (typeof answer.read('id') !== 'string' || !Array.isArray(answer.read('output')))
    throw new UnreadableAnswer('it is no response')
  return maskModel(answer, shadowModel)
}

const aList = (answer: Answer): Buffer => {
  if (!Array.isArray(answer.read('data'))) throw new UnreadableAnswer('there is no list')
  return answer.scanned.bytes
}

const aDeletion = (answer: Answer): Buffer => {
  if (answer.read('deleted') !== true) throw new GatewayError('upstream_error', 'The provider did not delete it.')
  return answer.scanned.bytes
}

/** `GET`, `DELETE /v1/responses/{id}`, `POST …/cancel`, `GET …/input_items`. */
export const keptResponseEndpoints: readonly Endpoint[] = [
  {
    id: 'response-retrieve',
    method: 'GET' as const,
    below: '',
    query: ['include', 'include_obfuscation', 'starting_after', 'stream'],
    answer: aResponse,
  },
  { id: 'response-delete', method: 'DELETE' as const, below: '', query: [], answer: aDeletion },
  { id: 'response-cancel', method: 'POST' as const, below: '/cancel', query: [], answer: aResponse },
  {
    id: 'response-input-items',
    method: 'GET' as const,
    below: '/input_items',
    query: ['after', 'before', 'include', 'limit', 'order'],
    answer: aList,
  },
].map(keptEndpoint)
