import type { Endpoint } from '../../core/endpoints/endpoint.ts'
import { endpointById } from '../../core/endpoints/index.ts'
import type { Place } from '../../core/protocols/protocol.ts'

/** What is served at a path of the proxy plane. */
export type ProxyRoute =
  /** Metered: a key, limits, a hold, a record. */
  | { readonly kind: 'exchange'; readonly endpoint: Endpoint }
  /** Free by its nature. */
  | { readonly kind: 'models'; readonly shape: ModelsShape }
  /** A WebSocket that clients try first; 426 makes them fall back to HTTP at once. */
  | { readonly kind: 'upgrade-required' }

/** `by-header`: three protocols share the path, the client's headers tell which is meant. */
export type ModelsShape = 'by-header' | 'gemini'

const exchange = (id: string): ProxyRoute => ({ kind: 'exchange', endpoint: endpointById(id) })
const models = (shape: ModelsShape): ProxyRoute => ({ kind: 'models', shape })

const openai = ['/v1', '/api/v1', '/openai/v1', '/openai']
const azure = ['/openai/deployments/{model}', '/api/openai/deployments/{model}']
const anthropic = ['/v1', '/api/v1', '/anthropic/v1']
/** Google's SDKs up to 2.x call v1beta, later ones v1, Vertex's v1beta1. */
const google = ['/v1beta', '/v1alpha', '/v1beta1', '/gemini/v1', '/gemini/v1beta', '/gemini/v1alpha', '/gemini/v1beta1']
const ofProject = '/projects/{project}/locations/{location}/publishers/google/models'
const collections = ['/models', '/tunedModels', '/publishers/google/models', ofProject]
const gemini = ['/v1', '/api/v1', ...google].flatMap((version) => collections.map((collection) => version + collection))
/** Lists of models that are Google's alone by their path. */
const googleModels = [
  ...google.map((version) => `${version}/models`),
  ...['/v1', ...google].map((version) => `${version}/publishers/google/models`),
]
/** What Vertex lists in a project are other models, but it shows these. */
const shownModels = [...googleModels, ...['/v1', ...google].map((version) => version + ofProject)]

/**
 * One line per endpoint: method, prefixes, path below them, what is served. `{model}` takes the rest up to what follows it, slashes included; names of models may hold
 * them, as they are or as %2F. `{id}` takes one step, any other name in braces skips one.
 */
const table: readonly (readonly [
  method: string,
  prefixes: readonly string[],
  path: string,
  route: ProxyRoute,
  place?: Place,
])[] = [
  ['POST', [...openai, ...azure], '/chat/completions', exchange('openai-chat')],
  ['POST', openai, '/responses', exchange('openai-responses')],
  ['POST', openai, '/responses/input_tokens', exchange('openai-input-tokens')],
  ['GET', openai, '/responses', { kind: 'upgrade-required' }],
  ['GET', openai, '/responses/{id}', exchange('response-retrieve')],
  ['DELETE', openai, '/responses/{id}', exchange('response-delete')],
  ['POST', openai, '/responses/{id}/cancel', exchange('response-cancel')],
  ['GET', openai, '/responses/{id}/input_items', exchange('response-input-items')],
  ['POST', anthropic, '/messages', exchange('anthropic-messages')],
  ['POST', anthropic, '/messages/count_tokens', exchange('anthropic-count-tokens')],
  ['POST', [...openai, ...azure], '/embeddings', exchange('embeddings')],
  ['POST', [...openai, ...azure], '/completions', exchange('completions')],
  ['POST', openai, '/moderations', exchange('moderations')],
  ['POST', openai, '/rerank', exchange('rerank')],
  ['POST', [...openai, ...azure], '/images/generations', exchange('image-generations')],
  ['POST', [...openai, ...azure], '/images/edits', exchange('image-edits')],
  ['POST', [...openai, ...azure], '/images/variations', exchange('image-variations')],
  ['POST', [...openai, ...azure], '/audio/speech', exchange('audio-speech')],
  ['POST', [...openai, ...azure], '/audio/transcriptions', exchange('audio-transcriptions')],
  ['POST', [...openai, ...azure], '/audio/translations', exchange('audio-translations')],
  ['POST', gemini, '/{model}:generateContent', exchange('gemini')],
  ['POST', gemini, '/{model}:streamGenerateContent', exchange('gemini'), { stream: true }],
  ['POST', gemini, '/{model}:countTokens', exchange('gemini-count-tokens')],
  ['POST', gemini, '/{model}:embedContent', exchange('gemini-embed')],
  ['POST', gemini, '/{model}:batchEmbedContents', exchange('gemini-batch-embed')],
  ['GET', googleModels, '', models('gemini')],
  ['GET', shownModels, '/{model}', models('gemini')],
  ['GET', ['/v1', '/api/v1', '/openai/v1', '/anthropic/v1'], '/models', models('by-header')],
  ['GET', ['/v1', '/api/v1', '/openai/v1', '/anthropic/v1'], '/models/{model}', models('by-header')],
]

interface Pattern {
  readonly method: string
  /** Finds what stands in front of the model or id, from the beginning of the path. */
  readonly head: string | RegExp
  /** What stands behind it. */
  readonly tail: string
  readonly takes: 'model' | 'id'
  readonly route: ProxyRoute
  readonly place: Place
}

const exact = new Map<string, Map<string, Found>>()
/** By the first step of their paths. */
const patterns = new Map<string, Pattern[]>()

const firstStep = (path: string): string => {
  const end = path.indexOf('/', 1)
  return end === -1 ? path : path.slice(0, end)
}

/** None of our heads holds a character that means something to a regular expression. */
const headOf = (text: string): string | RegExp =>
  text.includes('{') ? new RegExp(`^${text.replaceAll(/\{\w+\}/g, '[^/]+')}`) : text

for (const [method, prefixes, path, route, place = {}] of table) {
  for (const prefix of prefixes) {
    const whole = prefix + path
    const [head, tail] = whole.split(/\{(?:model|id)\}/)
    if (tail === undefined) {
      exact.set(whole, (exact.get(whole) ?? new Map<string, Found>()).set(method, { found: true, route, place }))
      continue
    }
    const step = firstStep(whole)
    const known = patterns.get(step) ?? []
    known.push({ method, head: headOf(head!), tail, takes: whole.includes('{id}') ? 'id' : 'model', route, place })
    patterns.set(step, known)
  }
}

/** Every served pair of method and path, for tests and the reference. */
export const proxyRoutes = table.flatMap(([method, prefixes, path, route]) =>
  prefixes.map((prefix) => ({ method, path: prefix + path, route })),
)

interface Found {
  readonly found: true
  readonly route: ProxyRoute
  readonly place: Place
}
export type RouteMatch = Found | { readonly found: false; readonly allow: readonly string[] | null }

/** `path` is without query. Matching is exact and byte for byte: no case folding, no dots, decoding only inside `{model}`; one trailing slash is tolerated. */
export const matchRoute = (method: string, path: string): RouteMatch => {
  const methods = exact.get(path) ?? (path.endsWith('/') ? exact.get(path.slice(0, -1)) : undefined)
  return methods?.get(method) ?? matchPattern(method, path, methods ? [...methods.keys()] : [])
}

const matchPattern = (method: string, path: string, allow: string[]): RouteMatch => {
  // Google's calls are told by what stands behind the last colon, which some clients encode.
  const plain = (path.endsWith('/') ? path.slice(0, -1) : path).replace(/%3a(?=\w+$)/i, ':')
  for (const { method: wanted, head, tail, takes, route, place } of patterns.get(firstStep(plain)) ?? []) {
    if (!plain.endsWith(tail)) continue
    const from = lengthOf(head, plain)
    if (from === undefined || plain.length <= from + tail.length) continue
    const text = plain.slice(from, plain.length - tail.length)
    const taken = takes === 'id' && text.includes('/') ? null : decode(text)
    if (taken === null) continue
    if (wanted === method)
      return { found: true, route, place: takes === 'id' ? { ...place, id: taken } : { ...place, model: taken } }
    // A call that no model and no response has here (`/responses/compact`): no other method of HTTP would make it one.
    const isUnknownCall =
      method === 'POST' && (takes === 'id' ? isWord.test(taken) : route.kind === 'models' && taken.includes(':'))
    if (!isUnknownCall && !allow.includes(wanted)) allow.push(wanted)
  }
  return { found: false, allow: allow.length > 0 ? allow : null }
}

/** Ids have a mark or a number in them. */
const isWord = /^[a-z]+$/

const lengthOf = (head: string | RegExp, path: string): number | undefined => {
  if (typeof head === 'string') return path.startsWith(head) ? head.length : undefined
  return head.exec(path)?.[0].length
}

const planes = [
  '/v1/',
  '/v1beta/',
  '/v1alpha/',
  '/v1beta1/',
  '/api/v1/',
  '/openai/',
  '/api/openai/',
  '/anthropic/',
  '/gemini/',
]

/** Whether a path belongs to the proxy plane at all. */
export const isProxyPath = (path: string): boolean =>
  planes.some((plane) => path.startsWith(plane) || path === plane.slice(0, -1))

/** Whose errors a path that is not served gets, where it alone tells. */
export const isGooglePath = (path: string): boolean => google.some((prefix) => path.startsWith(`${prefix}/`))

const decode = (text: string): string | null => {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
