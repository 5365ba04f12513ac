import type { ResolvedProvider } from './resolved.ts'
import type { TestView } from './schemas.ts'

/** One real call to the provider's list of models. Never throws: what went wrong is in the result. Wired by the app over `upstream`. */
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
}

/** A result in words that say what to do. */
export const showProbe = (result: ProbeResult): TestView => {
  const { status } = result
  return {
    ok: status !== null && status >= 200 && status < 300,
    status,
    latency_ms: Math.round(result.latencyMs),
    message: sentence(result),
    models: result.models?.length ?? null,
  }
}

const sentence = ({ status, models, failure }: ProbeResult): string => {
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
