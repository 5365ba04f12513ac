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

/**
 * One line per endpoint: method, prefixes, path below them, what is served. `{model}` takes the rest up to what follows it, slashes included; names of models may hold
 * them, as they are or as %2F.
 */
const table: readonly (readonly [
  method: string,
  prefixes: readonly string[],
  path: string,
  route: ProxyRoute,
  place?: Place,
])[] = [
  ['POST', [...openai, ...azure], '/chat/completions', exchange('openai-chat')],
  ['POST', anthropic, '/messages', exchange('anthropic-messages')],
  ['POST', [...openai, ...azure], '/embeddings', exchange('embeddings')],
  ['POST', [...openai, ...azure], '/completions', exchange('completions')],
  ['POST', openai, '/moderations', exchange('moderations')],
  ['POST', openai, '/rerank', exchange('rerank')],
  ['POST', [...openai, ...azure], '/images/generations', exchange('image-generations')],
  ['POST', [...openai, ...azure], '/images/edits', exchange('image-edits')],
  ['GET', ['/v1', '/api/v1', '/openai/v1', '/anthropic/v1'], '/models', models('by-header')],
  ['GET', ['/v1', '/api/v1', '/openai/v1', '/anthropic/v1'], '/models/{model}', models('by-header')],
]

interface Pattern {
  readonly method: string
  /** What stands in front of the model, and behind it. */
  readonly head: string
  readonly tail: string
  readonly route: ProxyRoute
  readonly place: Place
}

const exact = new Map<string, Map<string, Found>>()
const patterns: Pattern[] = []
for (const [method, prefixes, path, route, place = {}] of table) {
  for (const prefix of prefixes) {
    const whole = prefix + path
    const [head, tail] = whole.split('{model}')
    if (tail !== undefined) patterns.push({ method, head: head!, tail, route, place })
    else exact.set(whole, (exact.get(whole) ?? new Map<string, Found>()).set(method, { found: true, route, place }))
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
  const plain = path.endsWith('/') ? path.slice(0, -1) : path
  for (const { method: wanted, head, tail, route, place } of patterns) {
    if (!plain.startsWith(head) || !plain.endsWith(tail) || plain.length <= head.length + tail.length) continue
    const model = decode(plain.slice(head.length, plain.length - tail.length))
    if (model === null) continue
    if (wanted === method) return { found: true, route, place: { ...place, model } }
    if (!allow.includes(wanted)) allow.push(wanted)
  }
  return { found: false, allow: allow.length > 0 ? allow : null }
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

const decode = (text: string): string | null => {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
