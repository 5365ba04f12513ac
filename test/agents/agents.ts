import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** An agent as its user sets it up to work with the gateway (docs/clients.md says the same in words). */
export interface Agent {
  readonly name: string
  /** What it speaks with the gateway. */
  readonly speaks: 'openai-chat' | 'openai-responses' | 'anthropic-messages' | 'gemini'
  readonly package: string
  readonly bin: string
  /** Writes its settings into an empty home. */
  setUp(place: Place): void
  readonly env: (place: Place) => Readonly<Record<string, string>>
  readonly args: (place: Place, prompt: string) => readonly string[]
}

export interface Place {
  readonly home: string
  /** Origin of the gateway. */
  readonly url: string
  readonly key: string
  readonly model: string
}

const write = (path: string, content: unknown): void => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
}

const codex: Agent = {
  name: 'codex',
  speaks: 'openai-responses',
  package: '@openai/codex@0.169.0',
  bin: 'codex',
  setUp: ({ home, url, model }) =>
    write(
      join(home, '.codex/config.toml'),
      [
        `model = "${model}"`,
        'model_provider = "gateway"',
        'approval_policy = "never"',
        'sandbox_mode = "danger-full-access"',
        '[model_providers.gateway]',
        'name = "gateway"',
        `base_url = "${url}/v1"`,
        'env_key = "GATEWAY_API_KEY"',
        'wire_api = "responses"',
        '',
      ].join('\n'),
    ),
  env: ({ key }) => ({ GATEWAY_API_KEY: key }),
  args: (_, prompt) => ['exec', '--skip-git-repo-check', prompt],
}

const geminiCli: Agent = {
  name: 'gemini-cli',
  speaks: 'gemini',
  package: '@google/gemini-cli@0.61.0',
  bin: 'gemini',
  setUp: ({ home }) =>
    write(join(home, '.gemini/settings.json'), {
      security: { auth: { selectedType: 'gemini-api-key' } },
      privacy: { usageStatisticsEnabled: false },
      telemetry: { enabled: false },
    }),
  env: ({ key, url }) => ({ GEMINI_API_KEY: key, GOOGLE_GEMINI_BASE_URL: url }),
  args: ({ model }, prompt) => ['-m', model, '-y', '--skip-trust', '-p', prompt],
}

const qwenCode: Agent = {
  name: 'qwen-code',
  speaks: 'openai-chat',
  package: '@qwen-code/qwen-code@0.24.4',
  bin: 'qwen',
  setUp: ({ home }) =>
    write(join(home, '.qwen/settings.json'), {
      privacy: { usageStatisticsEnabled: false },
      telemetry: { enabled: false },
    }),
  env: ({ key, url, model }) => ({ OPENAI_API_KEY: key, OPENAI_BASE_URL: `${url}/v1`, OPENAI_MODEL: model }),
  args: (_, prompt) => ['-y', '--auth-type', 'openai', '-p', prompt],
}

const opencodeKinds = {
  'openai-chat': ['@ai-sdk/openai-compatible', '/v1'],
  'openai-responses': ['@ai-sdk/openai', '/v1'],
  'anthropic-messages': ['@ai-sdk/anthropic', '/v1'],
  gemini: ['@ai-sdk/google', '/v1beta'],
} as const

const opencode = (speaks: Agent['speaks']): Agent => {
  const [npm, path] = opencodeKinds[speaks]
  return {
    name: `opencode over ${speaks}`,
    speaks,
    package: 'opencode-ai@1.18.33',
    bin: 'opencode',
    setUp: ({ home, url, key, model }) =>
      write(join(home, '.config/opencode/opencode.json'), {
        share: 'disabled',
        autoupdate: false,
        provider: {
          gateway: { npm, name: 'gateway', options: { baseURL: url + path, apiKey: key }, models: { [model]: {} } },
        },
      }),
    env: () => ({ OPENCODE_DISABLE_MODELS_FETCH: '1', OPENCODE_DISABLE_AUTOUPDATE: '1' }),
    args: ({ model }, prompt) => ['run', '-m', `gateway/${model}`, prompt],
  }
}

const piKinds = {
  'openai-chat': ['openai-completions', '/v1'],
  'openai-responses': ['openai-responses', '/v1'],
  'anthropic-messages': ['anthropic-messages', ''],
  gemini: ['google-generative-ai', '/v1beta'],
} as const

const pi = (speaks: Agent['speaks']): Agent => {
  const [api, path] = piKinds[speaks]
  return {
    name: `pi over ${speaks}`,
    speaks,
    package: '@mariozechner/pi-coding-agent@0.73.1',
    bin: 'pi',
    setUp: ({ home, url, key, model }) =>
      write(join(home, '.pi/agent/models.json'), {
        providers: { gateway: { baseUrl: url + path, apiKey: key, api, models: [{ id: model }] } },
      }),
    env: () => ({ PI_OFFLINE: '1' }),
    args: ({ model }, prompt) => ['--provider', 'gateway', '--model', model, '-p', prompt],
  }
}

const all = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const

export const agents: readonly Agent[] = [codex, geminiCli, qwenCode, ...all.map(opencode), ...all.map(pi)]
