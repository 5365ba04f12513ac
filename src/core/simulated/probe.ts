import type { Probe } from '../catalog/probe.ts'
import type { Clock } from '../kernel/clock.ts'

/** For a process that serves nothing: the simulated provider runs for as long as the question to it lasts. All other providers are asked as they are. */
export const probeSimulated =
  (probe: Probe, clock: Clock): Probe =>
  async (provider, key) => {
    // The provider's address names no server until some process has one for it.
    if (provider.kind.id !== 'simulated' || /^https?:/.test(provider.baseUrl)) return probe(provider, key)
    const { startSimulated } = await import('./server.ts')
    const server = await startSimulated({ clock })
    try {
      const { hostname } = new URL(server.url)
      return await probe({ ...provider, baseUrl: server.url, allowPrivate: [...provider.allowPrivate, hostname] }, key)
    } finally {
      await server.close()
    }
  }
