import { anthropicCompatible } from './anthropic-compatible.ts'
import { anthropic } from './anthropic.ts'
import { azureOpenai } from './azure-openai.ts'
import { bedrock } from './bedrock.ts'
import { cerebras } from './cerebras.ts'
import { cohere } from './cohere.ts'
import { deepseek } from './deepseek.ts'
import { gemini } from './gemini.ts'
import { groq } from './groq.ts'
import { lmStudio } from './lmstudio.ts'
import { mistral } from './mistral.ts'
import { ollama } from './ollama.ts'
import { openaiCompatible } from './openai-compatible.ts'
import { openai } from './openai.ts'
import { openrouter } from './openrouter.ts'
import { perplexity } from './perplexity.ts'
import type { ProviderKind } from './provider-kind.ts'
import { simulated } from './simulated.ts'
import { together } from './together.ts'
import { vertex } from './vertex.ts'
import { vllm } from './vllm.ts'
import { xai } from './xai.ts'

/** Every kind of provider, in the order in which they are shown. A new one is a file and a line here. */
export const providerKinds: readonly ProviderKind[] = [
  openai,
  anthropic,
  gemini,
  azureOpenai,
  bedrock,
  vertex,
  mistral,
  groq,
  deepseek,
  xai,
  openrouter,
  together,
  cerebras,
  perplexity,
  cohere,
  ollama,
  vllm,
  lmStudio,
  openaiCompatible,
  anthropicCompatible,
  simulated,
]

const byId = new Map(providerKinds.map((kind) => [kind.id, kind]))

export const providerKindById = (id: string): ProviderKind | undefined => byId.get(id)
