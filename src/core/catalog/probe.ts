import { z } from 'zod'
import type { Clock } from '../kernel/clock.ts'
import type { ProviderKind } from '../provider-kinds/provider-kind.ts'
import type { Credentials } from '../upstream/credentials.ts'
import type { FailureKind, Upstream, UpstreamRequest } from '../upstream/upstream.ts'
import type { ResolvedProvider } from './resolved.ts'
import type { TestView } from './schemas.ts'

/** One real call to the provider's list of models. Never throws: what went wrong is in the result. */
export type Probe = (
  provider: ResolvedProvider,
  key: { readonly id: string; readonly secret: string } | null,
) => Promise<ProbeResult>

export interface ProbeResult {
  /** HTTP status; null when no answer came. */
  readonly status: number | null
  readonly latencyMs: number
  /** Names of the models it lists; null when it did not tell. */
  readonly models: readonly string[] | null
  /** Why no answer came, in a sentence without secrets. */
  readonly failure: string | null
  /** The kind has no list of models: only what its credentials need was done. */
  readonly unasked?: true
}

/** A result in words that say what to do. */
export const showProbe = (result: ProbeResult): TestView => {
  const { status } = result
  return {
    ok: result.unasked ?? (status !== null && status >= 200 && status < 300),
    status,
    latency_ms: Math.round(result.latencyMs),
    message: sentence(result),
    models: result.models?.length ?? null,
  }
}

const sentence = ({ status, models, failure, unasked }: ProbeResult): string => {
  if (unasked) return 'Its key is of the right form. Providers of this kind have no list of models to ask for.'
  if (status === null) return failure ?? 'The provider did not answer.'
  if (status >= 200 && status < 300)
    return models ? `The provider answers and lists ${models.length} models.` : 'The provider answers.'
  if (status === 401) return 'The provider refuses the key. Add a valid one with: gateway provider-keys add'
  if (status === 403) return 'The provider answers, but this key may not list models.'
  if (status === 404)
    return 'The provider has no list of models below this base URL. Check the base URL; servers without such a list may still work.'
  if (status === 429) return 'The provider limits requests with this key now.'
  return `The provider answered with status ${status}.`
}

export interface ProbeOptions {
  readonly upstream: Upstream
  readonly credentials: Credentials
  readonly clock: Clock
  readonly connectTimeoutMs: number
  /** To the first byte and between two chunks. */
  readonly answerTimeoutMs: number
}

/** Larger lists of models are not read to the end. */
const maxListBytes = 8 * 1024 * 1024

const anthropicList = '/models?limit=1000'

/** A probe over the same port, guard and deadlines as real requests. */
export const createProbe = ({
  upstream,
  credentials,
  clock,
  connectTimeoutMs,
  answerTimeoutMs,
}: ProbeOptions): Probe => {
  const ask = (request: UpstreamRequest, kind: ProviderKind): Promise<ProbeResult> =>
    new Promise((resolve) => {
      const startedAt = clock.monotonic()
      let status: number | null = null
      let firstByteAt = startedAt
      let size = 0
      const chunks: Buffer[] = []
      const done = (failure: string | null): void => {
        const known = failure === null && kind.modelList?.names !== false
        const models = known ? listedModels(status, chunks) : null
        resolve({ status, latencyMs: firstByteAt - startedAt, models, failure })
      }
      const call = upstream.send(request, {
        onResponse(code) {
          status = code
          firstByteAt = clock.monotonic()
        },
        onData(chunk) {
          size += chunk.length
          if (size > maxListBytes) queueMicrotask(() => call.abort())
          else chunks.push(chunk)
          return true
        },
        onEnd: () => done(null),
        onFailure(failure) {
          if (status === null) firstByteAt = clock.monotonic()
          done(failureSentence[failure.kind])
        },
      })
    })

  return async (provider, key) => {
    const { kind } = provider
    const protocol = provider.speaks[0]!
    const secret = key?.secret ?? null
    const headersWith = (used: string | null): Record<string, string> => ({
      accept: 'application/json',
      ...kind.headers({ protocol, model: '', stream: false, secret: used, client: {} }),
    })
    const request = (headers: Record<string, string>): UpstreamRequest => ({
      method: 'GET',
      baseUrl: provider.baseUrl,
      path: kind.modelList?.path ?? (protocol === 'anthropic-messages' ? anthropicList : '/models'),
      headers,
      body: Buffer.alloc(0),
      connectTimeoutMs,
      firstByteTimeoutMs: answerTimeoutMs,
      idleTimeoutMs: answerTimeoutMs,
      allowPrivate: provider.allowPrivate,
    })
    try {
      const prepared = credentials.needed(kind)
        ? await credentials.prepare(provider, secret, headersWith, request)
        : request(headersWith(secret))
      if (kind.modelList !== null) return await ask(prepared, kind)
      return { status: null, latencyMs: 0, models: null, failure: null, unasked: true }
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : ''
      return { status: null, latencyMs: 0, models: null, failure: `The credentials cannot be used${cause}.` }
    }
  }
}

/** The names in `{"data":[{"id":…}]}` or Google's `{"models":[{"name":"models/…"}]}`; null when the answer is something else or only the first of several pages. */
const listedModels = (status: number | null, chunks: readonly Buffer[]): readonly string[] | null => {
  if (status === null || status < 200 || status >= 300) return null
  try {
    const list = modelList.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')))
    if ('models' in list)
      return list.nextPageToken ? null : list.models.map(({ name }) => name.replace(/^models\//, ''))
    return list.has_more === true ? null : list.data.map((model) => model.id)
  } catch {
    return null
  }
}

const modelList = z.union([
  z.object({ data: z.array(z.object({ id: z.string() })), has_more: z.boolean().optional() }),
  z.object({ models: z.array(z.object({ name: z.string() })), nextPageToken: z.string().optional() }),
])

const failureSentence: Readonly<Record<FailureKind, string>> = {
  connect: 'The provider cannot be reached. Check the base URL and the network.',
  forbidden: 'The provider is at a private address. Allow it with --allow-private if this is meant.',
  tls: 'The TLS handshake with the provider failed. Check its certificate and the base URL.',
  'first-byte-timeout': 'The provider did not answer in time.',
  'idle-timeout': 'The provider stopped in the middle of its answer.',
  disconnected: 'The provider ended the connection before its answer was complete.',
  protocol: 'What the provider sent is not the HTTP we accept. Check the base URL.',
  aborted: 'The call was ended before the answer was complete.',
}
