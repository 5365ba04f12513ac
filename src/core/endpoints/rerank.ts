import { estimateTokens } from '../pricing/estimate.ts'
import type { ScannedObject } from '../protocols/json-scan.ts'
import type { JsonObject, JsonValue } from '../protocols/neutral/index.ts'
import { openaiChat } from '../protocols/openai-chat/index.ts'
import { isObject, refuse } from '../protocols/read.ts'
import { type Endpoint, type Road, type RoadOptions, UnreadableAnswer } from './endpoint.ts'
import { scanBody, sideFacts, textOf, valueOf, wholeOf } from './side/facts.ts'
import { notOffered, offers } from './side/offers.ts'
import { type Answer, passRoad } from './side/pass.ts'
import { finished, reportedUsage, usageOf } from './side/usage.ts'

const mostDocuments = 10_000

/**
 * `POST /v1/rerank` in the shape that Cohere, Jina, vLLM and Together share: `{model, query, documents, top_n, return_documents}`. Tokens are the provider's where it
 * tells them; Cohere tells search units only, and then the query is counted once with each document, as vendors do that bill tokens
 * (https://docs.voyageai.com/docs/pricing).
 */
export const rerank: Endpoint = {
  id: 'rerank',
  errors: openaiChat,
  inspect(body, place) {
    const scanned = scanBody(body)
    const query = textOf(scanned, 'query')
    const documents = documentsOf(scanned)
    wholeOf(scanned, 'top_n', 1, mostDocuments)
    const promptBound = Buffer.byteLength(query) * documents.length + scanned.bytes.length
    return sideFacts(scanned, place, { promptBound })
  },
  road(options) {
    if (!offers(options.target, 'rerank')) throw notOffered(options.target, 'reranking')
    const query = textOf(options.facts.scanned, 'query')
    const documents = documentsOf(options.facts.scanned)
    const chars = documents.reduce((sum, text) => sum + query.length + text.length, 0)
    const road = passRoad(options, '/rerank', (answer) => {
      if (!Array.isArray(answer.read('results'))) throw new UnreadableAnswer('there are no results')
      return finished(tokensIn(answer), () => usageOf(Math.max(1, estimateTokens(chars))))
    })
    return options.target.kind.id === 'cohere' ? cohereRoad(road, options, documents) : road
  },
}

/** `usage` (Jina, vLLM, Together), or what Cohere counted or billed. */
const tokensIn = (answer: Answer) => {
  const meta = answer.read('meta')
  const told = isObject(meta) ? [meta['tokens'], meta['billed_units']].find((item) => hasTokens(item)) : undefined
  const usage = reportedUsage(answer.read('usage') ?? told)
  // Some tell only a total, which is all input.
  return usage && usageOf(usage.input.uncached + usage.input.cacheRead || usage.output.visible + usage.output.reasoning)
}

const hasTokens = (value: JsonValue | undefined): boolean => isObject(value) && value['input_tokens'] != null

/** Texts of the documents; an object shows its `text`, or all of itself. */
const documentsOf = (scanned: ScannedObject): readonly string[] => {
  const documents = valueOf(scanned, 'documents')
  if (!Array.isArray(documents) || documents.length === 0 || documents.length > mostDocuments)
    return refuse('documents', `must be a list of 1 to ${mostDocuments} documents.`)
  return documents.map((item, index) => {
    if (typeof item === 'string') return item
    if (!isObject(item)) return refuse(`documents[${index}]`, 'must be a string or an object.')
    return typeof item['text'] === 'string' ? item['text'] : JSON.stringify(item)
  })
}

/** Cohere's own API (https://docs.cohere.com/reference/rerank) beside its imitation of OpenAI's: documents are strings and do not come back. */
const cohereRoad = (road: Road, { facts, target }: RoadOptions, documents: readonly string[]): Road => {
  const { scanned } = facts
  const topN = wholeOf(scanned, 'top_n', 1, mostDocuments)
  const perDocument = wholeOf(scanned, 'max_tokens_per_doc', 1, Number.MAX_SAFE_INTEGER)
  const body = {
    model: target.model,
    query: textOf(scanned, 'query'),
    documents,
    ...(topN !== undefined && { top_n: topN }),
    ...(perDocument !== undefined && { max_tokens_per_doc: perDocument }),
  }
  const withDocuments = valueOf(scanned, 'return_documents') === true
  return {
    ...road,
    straight: false,
    baseUrl: (configured) => configured.replace(/\/compatibility\/v1$|\/v[12]$/, ''),
    path: '/v2/rerank',
    request: () => Buffer.from(JSON.stringify(body)),
    unary(bytes) {
      const answer = road.unary(bytes)
      if (!withDocuments || !answer.observed.complete) return answer
      const told = JSON.parse(answer.body.toString('utf8')) as JsonObject
      const results = Array.isArray(told['results']) ? told['results'] : []
      return { ...answer, body: Buffer.from(JSON.stringify({ ...told, results: results.map(withText(documents)) })) }
    },
  }
}

const withText =
  (documents: readonly string[]) =>
  (result: JsonValue): JsonValue => {
    const index = isObject(result) ? result['index'] : undefined
    const text = typeof index === 'number' ? documents[index] : undefined
    return isObject(result) && text !== undefined ? { ...result, document: { text } } : result
  }
