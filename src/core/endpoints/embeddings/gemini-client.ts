import { estimateTokens } from '../../pricing/estimate.ts'
import { gemini } from '../../protocols/gemini/index.ts'
import { modelOf } from '../../protocols/gemini/inspect.ts'
import type { ScannedObject } from '../../protocols/json-scan.ts'
import type { JsonObject, JsonValue } from '../../protocols/neutral/index.ts'
import { isObject, notServed, refuse } from '../../protocols/read.ts'
import type { Endpoint, Road, RoadOptions, UnaryAnswer } from '../endpoint.ts'
import { UnreadableAnswer } from '../endpoint.ts'
import { scanBody, sideFacts, valueOf } from '../side/facts.ts'
import { googleName, googlePath } from '../side/google.ts'
import { notOffered, offers } from '../side/offers.ts'
import { readAnswer, sideError } from '../side/pass.ts'
import { finished, reportedUsage, usageOf } from '../side/usage.ts'
import { geminiUsage, hasGeminiEmbeddings } from './to-gemini.ts'
import { toFloats } from './vectors.ts'

const mostRequests = 2048

interface Form {
  readonly id: string
  readonly method: string
  /** The requests of a body with their paths. */
  requests(scanned: ScannedObject): readonly { readonly request: JsonObject; readonly path: string }[]
  /** The body with its requests for another model. */
  body(requests: readonly JsonObject[], name: string): JsonObject
  answer(vectors: readonly { readonly values: JsonValue }[]): JsonObject
  vectors(answer: (field: string) => JsonValue | undefined): number | undefined
}

/** Of one text: `:embedContent` (https://ai.google.dev/api/embeddings). */
const single: Form = {
  id: 'gemini-embed',
  method: 'embedContent',
  requests: (scanned) => [{ request: JSON.parse(scanned.bytes.toString('utf8')) as JsonObject, path: '' }],
  body: ([request], name) => ({ ...request, ...(request?.['model'] !== undefined && { model: name }) }),
  answer: ([vector]) => ({ embedding: { values: vector?.values ?? [] } }),
  vectors: (answer) => (isObject(answer('embedding')) ? 1 : undefined),
}

/** Of many: `:batchEmbedContents`. */
const batch: Form = {
  id: 'gemini-batch-embed',
  method: 'batchEmbedContents',
  requests(scanned) {
    const requests = valueOf(scanned, 'requests')
    if (!Array.isArray(requests) || requests.length === 0 || requests.length > mostRequests)
      return refuse('requests', `must be a list of 1 to ${mostRequests} requests.`)
    return requests.map((request, index) => ({
      request: isObject(request) ? request : refuse(`requests[${index}]`, 'must be an object.'),
      path: `requests[${index}].`,
    }))
  },
  body: (requests, name) => ({ requests: requests.map((request) => ({ ...request, model: name })) }),
  answer: (vectors) => ({ embeddings: vectors.map(({ values }) => ({ values })) }),
  vectors(answer) {
    const embeddings = answer('embeddings')
    return Array.isArray(embeddings) ? embeddings.length : undefined
  },
}

const embedding = (form: Form): Endpoint => ({
  id: form.id,
  errors: gemini,
  inspect(body, place) {
    const scanned = scanBody(body)
    const model = modelOf(place)
    for (const { request, path } of form.requests(scanned)) {
      partsOf(request, path)
      sameModel(request['model'], model, `${path}model`)
    }
    const remoteParts = (body.toString('latin1').match(/"file_?(?:uri|data)"/gi) ?? []).length
    return { ...sideFacts(scanned, { model: 'path' }, { remoteParts }), model }
  },
  road(options) {
    const requests = form.requests(options.facts.scanned)
    if (hasGeminiEmbeddings(options.target)) return toGoogle(form, requests, options)
    if (offers(options.target, 'embeddings')) return toOpenAi(form, requests, options)
    throw notOffered(options.target, 'embeddings')
  },
})

/** One model serves a call, and is paid for: the one in the path, which every request may name again. */
const sameModel = (given: JsonValue | undefined, model: string, path: string): void => {
  if (given === undefined || given === null) return
  const named = typeof given === 'string' ? given.replace(/^.*\bmodels\//, '') : undefined
  if (named !== model.replace(/^.*\bmodels\//, '')) refuse(path, 'must be the model of the path.')
}

type Requests = ReturnType<Form['requests']>

const estimated = (requests: Requests) =>
  usageOf(requests.reduce((sum, { request, path }) => sum + tokensOf(partsOf(request, path)), 0))

const tokensOf = (parts: readonly JsonObject[]): number =>
  parts.reduce((sum, { text }) => sum + (typeof text === 'string' ? Math.max(1, estimateTokens(text.length)) : 258), 0)

const toGoogle = (form: Form, requests: Requests, { target }: RoadOptions): Road => ({
  protocol: 'gemini',
  path: googlePath(target, form.method),
  straight: true,
  warnings: [],
  request: () =>
    Buffer.from(
      JSON.stringify(
        form.body(
          requests.map(({ request }) => request),
          googleName(target.model),
        ),
      ),
    ),
  unary(body): UnaryAnswer {
    const answer = readAnswer(body)
    if (form.vectors(answer.read) !== requests.length)
      throw new UnreadableAnswer('there is not one vector for each text')
    return { body, observed: finished(geminiUsage(answer.read('usageMetadata')), () => estimated(requests)) }
  },
  stream: noStream,
  decodeError: (status, headers, body) => gemini.decodeError(status, headers, body),
})

/** Texts for a provider with OpenAI's shape. What the vectors are for has no word there. */
const toOpenAi = (form: Form, requests: Requests, { target }: RoadOptions): Road => {
  const texts = requests.map(({ request, path }) => textOf(partsOf(request, path), path))
  const widths = new Set(requests.map(({ request }) => dimensionsOf(request)))
  if (widths.size > 1) notServed('requests[1].outputDimensionality', 'must be the same for all requests')
  const [dimensions] = widths
  return {
    protocol: 'openai-chat',
    path: '/embeddings',
    straight: false,
    warnings: requests.flatMap(({ request, path }) =>
      ['taskType', 'task_type', 'title']
        .filter((name) => request[name] != null)
        .map((name) => ({
          path: `${path}${name}`,
          action: 'dropped' as const,
          reason: 'OpenAI’s embeddings have no such field.',
        })),
    ),
    request: () =>
      Buffer.from(
        JSON.stringify({
          model: target.model,
          input: texts,
          ...(dimensions !== undefined && { dimensions }),
        }),
      ),
    unary(body) {
      const answer = readAnswer(body)
      const data = answer.read('data')
      const vectors = Array.isArray(data) ? data.map((item) => ({ values: valuesOf(item, dimensions) })) : []
      if (vectors.length !== texts.length) throw new UnreadableAnswer('there is not one vector for each text')
      const told = reportedUsage(answer.read('usage'))
      const observed = finished(told && usageOf(told.input.uncached + told.input.cacheRead), () => estimated(requests))
      const usageMetadata = { promptTokenCount: observed.usage?.input.uncached ?? 0 }
      return { body: Buffer.from(JSON.stringify({ ...form.answer(vectors), usageMetadata })), observed }
    },
    stream: noStream,
    decodeError: (status, headers, body) => sideError(status, headers, body, target.model),
  }
}

const noStream = (): never => {
  throw new UnreadableAnswer('embeddings have no streams')
}

const valuesOf = (item: JsonValue, dimensions: number | undefined): JsonValue => {
  const vector = isObject(item) ? item['embedding'] : undefined
  const values = typeof vector === 'string' ? toFloats(vector, dimensions) : vector
  if (!Array.isArray(values)) throw new UnreadableAnswer('an embedding is no vector')
  return values
}

const partsOf = (request: JsonObject, path: string): readonly JsonObject[] => {
  const { content } = request
  const parts = isObject(content) ? content['parts'] : undefined
  const list = Array.isArray(parts) ? parts : isObject(parts) ? [parts] : []
  if (list.length === 0) return refuse(`${path}content`, 'must hold at least one part.')
  return list.map((part, index) =>
    isObject(part) ? part : refuse(`${path}content.parts[${index}]`, 'must be an object.'),
  )
}

const textOf = (parts: readonly JsonObject[], path: string): string =>
  parts
    .map(({ text }, index) =>
      typeof text === 'string' ? text : notServed(`${path}content.parts[${index}]`, 'only texts have embeddings there'),
    )
    .join('\n')

const dimensionsOf = (request: JsonObject): number | undefined => {
  const value = request['outputDimensionality'] ?? request['output_dimensionality']
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined
}

export const geminiEmbed = embedding(single)
export const geminiBatchEmbed = embedding(batch)
