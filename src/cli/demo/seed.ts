import { randomUUID } from 'node:crypto'
import { GatewayError } from '../../core/kernel/errors.ts'
import type { AdminClient } from '../client.ts'

export interface Seeded {
  readonly user: string
  readonly key: string
}

export const demoModels = [
  {
    name: 'demo-fast',
    provider: 'sim-openai',
    speaks: 'openai-chat',
    behind: 'OpenAI',
    model: 'sim-1',
    prices: { input: '0.25', output: '2' },
  },
  {
    name: 'demo-smart',
    provider: 'sim-anthropic',
    speaks: 'anthropic-messages',
    behind: 'Anthropic',
    model: 'sim-1',
    prices: { input: '3', output: '15', cached_input: '0.3' },
  },
] as const

const user = 'ada@example.com'

/** What an administrator would do by hand: two providers, two priced models, a user, credit, a key. May run twice on the same data. */
export const seed = async (client: AdminClient): Promise<Seeded> => {
  for (const { name, provider, speaks, model, prices } of demoModels) {
    await unlessThere(client.call('providers.add', { name: provider, kind: 'simulated', speaks: [speaks] }, {}))
    await unlessThere(
      client.call('models.create', { name, targets: [{ provider, model }], prices, max_output_tokens: 4096 }, {}),
    )
  }
  await unlessThere(client.call('users.create', { email: user, name: 'Ada Lovelace' }, {}))
  await client.call('credits.grant', { user, amount: '10', note: 'welcome' }, { idempotencyKey: randomUUID() })
  const key = (await client.call('keys.create', { user, name: `demo-${randomUUID().slice(0, 8)}` }, {})) as {
    secret: string
  }
  return { user, key: key.secret }
}

const unlessThere = async (work: Promise<unknown>): Promise<void> => {
  try {
    await work
  } catch (error) {
    if (!(error instanceof GatewayError && error.kind === 'conflict')) throw error
  }
}
