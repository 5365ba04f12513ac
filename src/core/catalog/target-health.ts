import type { Routing } from '../routing/routing.ts'
import type { ResolvedProvider } from './resolved.ts'

export interface TargetHealthText {
  /** Whether the next request may be sent there. */
  readonly healthy: boolean
  readonly keysReady: number
  /** What is held against the target or its keys; null when nothing is. */
  readonly told: string | null
}

/** What routing knows of a target, in words for an operator. */
export const healthOf = (routing: Routing, provider: ResolvedProvider, model: string): TargetHealthText => {
  const { breaker, resting } = routing.look(provider, model)
  const keysReady = provider.keys.length - resting.filter(({ waitMs }) => waitMs > 0).length
  const said = resting.map(({ id, fault, waitMs }) => `key ${id} ${fault}${after(waitMs)}`)
  if (breaker.state !== 'closed') said.unshift(`failing${after(breaker.waitMs)}`)
  const usable = provider.keys.length === 0 || keysReady > 0
  return { healthy: usable && breaker.state !== 'open', keysReady, told: said.length === 0 ? null : said.join('; ') }
}

const after = (waitMs: number): string =>
  waitMs > 0 ? `, tried again in ${Math.ceil(waitMs / 1000)} s` : ', the next request tries it'
