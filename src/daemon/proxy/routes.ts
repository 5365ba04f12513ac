import { anthropicMessages } from '../../core/protocols/anthropic-messages/index.ts'
import { openaiChat } from '../../core/protocols/openai-chat/index.ts'
import type { Protocol } from '../../core/protocols/protocol.ts'

/** What is served at a path of the proxy plane. One line per endpoint; every one has a meter or is free by its nature. */
export type ProxyRoute = { readonly kind: 'exchange'; readonly protocol: Protocol } | { readonly kind: 'models' }

const table: readonly (readonly [method: string, path: string, route: ProxyRoute])[] = [
  ['POST', '/chat/completions', { kind: 'exchange', protocol: openaiChat }],
  ['POST', '/messages', { kind: 'exchange', protocol: anthropicMessages }],
  ['GET', '/models', { kind: 'models' }],
]

const prefixes = ['/v1', '/api/v1']

const routes = new Map<string, Map<string, ProxyRoute>>()
for (const [method, path, route] of table) {
  for (const prefix of prefixes) {
    const methods = routes.get(prefix + path) ?? new Map<string, ProxyRoute>()
    routes.set(prefix + path, methods.set(method, route))
  }
}

/** Every served pair of method and path, for tests and the reference. */
export const proxyRoutes = table.flatMap(([method, path, route]) =>
  prefixes.map((prefix) => ({ method, path: prefix + path, route })),
)

export type RouteMatch =
  | { readonly found: true; readonly route: ProxyRoute; readonly modelId: string | null }
  | { readonly found: false; readonly allow: readonly string[] | null }

/** `path` is without query. Matching is exact and byte for byte: no case folding, no decoding, no dots; one trailing slash is tolerated. */
export const matchRoute = (method: string, path: string): RouteMatch => {
  const methods = routes.get(path) ?? (path.endsWith('/') ? routes.get(path.slice(0, -1)) : undefined)
  if (methods) {
    const route = methods.get(method)
    return route ? { found: true, route, modelId: null } : { found: false, allow: [...methods.keys()] }
  }
  // GET /v1/models/{id}: ids of shadow models may hold slashes.
  for (const prefix of prefixes) {
    if (!path.startsWith(`${prefix}/models/`)) continue
    const modelId = decode(path.slice(prefix.length + '/models/'.length))
    if (!modelId) break
    return method === 'GET' ? { found: true, route: { kind: 'models' }, modelId } : { found: false, allow: ['GET'] }
  }
  return { found: false, allow: null }
}

/** Whether a path belongs to the proxy plane at all. */
export const isProxyPath = (path: string): boolean =>
  path.startsWith('/v1/') || path.startsWith('/api/v1/') || path === '/v1' || path === '/api/v1'

const decode = (text: string): string | null => {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
