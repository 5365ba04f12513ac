import { protocols } from '../../src/core/protocols/index.ts'
import { createCustomer, ensureBuilt, type Gateway, removeDataDir, startGateway } from '../support/gateway.ts'

/** A running gateway in front of the simulated provider, once for each protocol it can be called with. */
export interface SimScene {
  readonly gateway: Gateway
  readonly key: string
  close(): Promise<void>
}

/** Shadow models `over-<protocol>`, and for each the variants below with their name behind it. */
export const providerProtocols = protocols.map(({ id }) => id)
export const modelOver = (protocol: string, variant: keyof typeof variants = 'plain'): string =>
  variant === 'plain' ? `over-${protocol}` : `over-${protocol}-${variant}`

const variants = {
  plain: 'sim-fast',
  tools: 'sim-tools',
  thinking: 'sim-think',
  limited: 'sim-error-429',
  midway: 'sim-error-after-3',
  cut: 'sim-cut-after-3',
} as const

export const startSimScene = async (): Promise<SimScene> => {
  ensureBuilt()
  const gateway = await startGateway()
  for (const protocol of providerProtocols) {
    await gateway.call('providers.add', { name: `sim-${protocol}`, kind: 'simulated', speaks: [protocol] })
    for (const [variant, model] of Object.entries(variants))
      await gateway.call('models.create', {
        name: modelOver(protocol, variant as keyof typeof variants),
        targets: [{ provider: `sim-${protocol}`, model }],
        prices: { input: '1', output: '2' },
      })
  }
  const { key } = await createCustomer(gateway)
  return {
    gateway,
    key,
    async close() {
      await gateway.stop()
      removeDataDir(gateway.dataDir)
    },
  }
}

export const weather = {
  name: 'get_weather',
  description: 'The weather in a city.',
  schema: {
    type: 'object' as const,
    properties: { city: { type: 'string' as const } },
    required: ['city'],
    additionalProperties: false,
  },
}
export const question = 'What is the weather in Paris?'
