import {
  createCustomer,
  ensureBuilt,
  type Gateway,
  type GatewayOptions,
  removeDataDir,
  startGateway,
} from './gateway.ts'
import { type MockProvider, startMockProvider } from './mock-provider.ts'

/** A gateway in front of a mock provider that is reached over both protocols. */
export interface Scene {
  readonly gateway: Gateway
  readonly provider: MockProvider
  /** A key with plenty of credit. */
  readonly key: string
  readonly userId: string
  /**
   * Creates the shadow model `name` for the real model `real-<name>`, behind the provider's OpenAI or Anthropic side. Price: 1 credit per million input tokens, 2 per
   * million output tokens.
   */
  model(name: string, protocol: 'openai' | 'anthropic', options?: object): Promise<void>
  close(): Promise<void>
}

export const prices = { input: '1', output: '2' }

export const startScene = async (options: GatewayOptions = {}): Promise<Scene> => {
  ensureBuilt()
  const provider = await startMockProvider()
  const gateway = await startGateway(options)
  await gateway.call('providers.add', {
    name: 'openai',
    kind: 'openai-compatible',
    base_url: provider.url,
    secret: 'sk-provider-0123456789',
  })
  await gateway.call('providers.add', {
    name: 'anthropic',
    kind: 'anthropic-compatible',
    base_url: provider.url,
    secret: 'sk-provider-0123456789',
  })
  const customer = await createCustomer(gateway)
  return {
    gateway,
    provider,
    key: customer.key,
    userId: customer.user,
    async model(name, protocol, more = {}) {
      await gateway.call('models.create', {
        name,
        targets: [{ provider: protocol, model: `real-${name}` }],
        prices,
        ...more,
      })
    },
    async close() {
      await gateway.stop()
      await provider.stop()
      removeDataDir(gateway.dataDir)
    },
  }
}

export const chatPath = '/v1/chat/completions'
export const messagesPath = '/v1/messages'

export const chatBody = (model: string, more: object = {}) => ({
  model,
  messages: [{ role: 'user', content: 'Say hello.' }],
  ...more,
})
export const messagesBody = (model: string, more: object = {}) => ({
  model,
  max_tokens: 100,
  messages: [{ role: 'user', content: 'Say hello.' }],
  ...more,
})

/** Sends a body as it is. */
export const postBytes = async (
  gateway: Gateway,
  path: string,
  key: string | null,
  body: string | Buffer,
  headers: Record<string, string> = {},
) => {
  const response = await fetch(gateway.url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key !== null && { authorization: `Bearer ${key}` }),
      ...headers,
    },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** Sends a JSON body with a key and returns status, headers and text. */
export const post = (
  gateway: Gateway,
  path: string,
  key: string | null,
  body: unknown,
  headers: Record<string, string> = {},
) => postBytes(gateway, path, key, typeof body === 'string' ? body : JSON.stringify(body), headers)

/** Waits until `probe` returns something else than undefined; fails after `ms`. For states that arrive by themselves, as the request log does. */
export const eventually = async <T>(probe: () => Promise<T | undefined>, ms = 5000): Promise<T> => {
  const deadline = performance.now() + ms
  for (;;) {
    const value = await probe()
    if (value !== undefined) return value
    if (performance.now() > deadline) throw new Error(`nothing came within ${ms} ms`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** The ledger recomputed by the gateway itself. */
export const verify = (gateway: Gateway) =>
  gateway.call<{ ok: boolean; holds_open: number; problems: unknown[] }>('credits.verify')
