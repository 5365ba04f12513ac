import { anthropicCompatible } from './anthropic-compatible.ts'
import { anthropic } from './anthropic.ts'
import { deepseek } from './deepseek.ts'
import { groq } from './groq.ts'
import { mistral } from './mistral.ts'
import { ollama } from './ollama.ts'
import { openaiCompatible } from './openai-compatible.ts'
import { openai } from './openai.ts'
import { openrouter } from './openrouter.ts'
import type { ProviderKind } from './provider-kind.ts'
import { simulated } from './simulated.ts'
import { together } from './together.ts'
import { vllm } from './vllm.ts'
import { xai } from './xai.ts'

/** Every kind of provider, in the order in which they are shown. A new one is a file and a line here. */
export const providerKinds: readonly ProviderKind[] = [
  openai,
  anthropic,
  openaiCompatible,
  anthropicCompatible,
  deepseek,
  groq,
  mistral,
  ollama,
  openrouter,
  together,
  vllm,
  xai,
  simulated,
]

const byId = new Map(providerKinds.map((kind) => [kind.id, kind]))

export const providerKindById = (id: string): ProviderKind | undefined => byId.get(id)
