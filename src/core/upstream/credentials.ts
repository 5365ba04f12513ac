import type { ResolvedProvider } from '../catalog/resolved.ts'
import type { Clock } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { ProviderKind, TokenExchange } from '../provider-kinds/provider-kind.ts'
import { urlBelow } from './base-url.ts'
import type { Upstream, UpstreamRequest } from './upstream.ts'

/** What some kinds need between the secret and the call: an access token, a signature. */
export interface Credentials {
  /** False for kinds whose secret is sent as it is: nothing is awaited for them. */
  needed(kind: ProviderKind): boolean
  /** The request as it may be sent. Throws `upstream_auth_failed` when no access token could be had. */
  prepare(
    provider: ResolvedProvider,
    secret: string | null,
    headersWith: (secret: string | null) => Record<string, string>,
    request: (headers: Record<string, string>) => UpstreamRequest,
  ): Promise<UpstreamRequest>
}

export interface CredentialsOptions {
  readonly upstream: Upstream
  readonly clock: Clock
  readonly connectTimeoutMs: number
}

/** A token is not used in its last minute: a request takes time, and clocks differ. */
const marginMs = 60_000
const answerTimeoutMs = 10_000
const maxAnswerBytes = 64 * 1024

/** The client learns no more than that the gateway has no access; the reason is for the operator. */
const refusal = (cause: unknown): GatewayError => new GatewayError('upstream_auth_failed', undefined, {}, { cause })

export const createCredentials = ({ upstream, clock, connectTimeoutMs }: CredentialsOptions): Credentials => {
  const tokens = new Map<string, { readonly value: Promise<string>; goodUntil: number }>()

  const assertion = (exchange: TokenExchange, secret: string) => {
    try {
      return exchange.request(secret, clock.now())
    } catch (cause) {
      throw refusal(cause)
    }
  }

  const buy = (
    exchange: TokenExchange,
    secret: string,
    provider: ResolvedProvider,
  ): Promise<{ token: string; expiresIn: number }> =>
    new Promise((resolve, reject) => {
      const refused = (why: string): void => reject(refusal(new Error(why)))
      const { url, body } = assertion(exchange, secret)
      const { origin, pathname, search } = new URL(url)
      const chunks: Buffer[] = []
      let size = 0
      let status = 0
      const call = upstream.send(
        {
          baseUrl: origin,
          path: pathname + search,
          headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
          body: Buffer.from(body),
          connectTimeoutMs,
          firstByteTimeoutMs: answerTimeoutMs,
          idleTimeoutMs: answerTimeoutMs,
          allowPrivate: provider.allowPrivate,
        },
        {
          onResponse: (code) => (status = code),
          onData(chunk) {
            size += chunk.length
            if (size > maxAnswerBytes) queueMicrotask(() => call.abort())
            else chunks.push(chunk)
            return true
          },
          onEnd() {
            if (status !== 200) return refused(`the token endpoint answered ${status}`)
            try {
              resolve(exchange.read(Buffer.concat(chunks)))
            } catch {
              refused('the token endpoint answered without a token')
            }
          },
          onFailure: (failure) => refused(`the token endpoint: ${failure.message}`),
        },
      )
    })

  /** One purchase at a time for each secret; a failed one is forgotten at once. */
  const tokenOf = (exchange: TokenExchange, secret: string, provider: ResolvedProvider): Promise<string> => {
    const known = tokens.get(secret)
    if (known && clock.now() < known.goodUntil) return known.value
    const bought = buy(exchange, secret, provider)
    const entry = { value: bought.then(({ token }) => token), goodUntil: Number.POSITIVE_INFINITY }
    tokens.set(secret, entry)
    bought.then(
      ({ expiresIn }) => (entry.goodUntil = clock.now() + expiresIn * 1000 - marginMs),
      () => {
        if (tokens.get(secret) === entry) tokens.delete(secret)
      },
    )
    return entry.value
  }

  return {
    needed: (kind) => kind.token !== undefined || kind.sign !== undefined,
    async prepare(provider, secret, headersWith, request) {
      const { kind } = provider
      const used = kind.token && secret !== null ? await tokenOf(kind.token, secret, provider) : secret
      const unsigned = request(headersWith(used))
      if (!kind.sign || used === null) return unsigned
      const { method = 'POST', headers, body } = unsigned
      // A signature is of the whole body, which nobody has.
      if (!Buffer.isBuffer(body)) throw new GatewayError('unsupported_endpoint')
      const url = urlBelow(unsigned.baseUrl, unsigned.path)
      const sign = { method, url, headers, body, secret: used, settings: provider.settings, now: clock.now() }
      const signed = await kind.sign(sign).catch((cause: unknown) => {
        throw refusal(cause)
      })
      return { ...unsigned, headers: { ...headers, ...signed } }
    },
  }
}
