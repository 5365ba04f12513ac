import type { IncomingHttpHeaders } from 'node:http'
import type { Catalog, ResolvedModel } from '../../core/catalog/resolved.ts'
import { GatewayError } from '../../core/kernel/errors.ts'
import { toTimestamp } from '../../core/kernel/clock.ts'
import type { KeyPrincipal } from '../../core/keys/verdict.ts'
import type { JsonObject } from '../../core/protocols/neutral/index.ts'

export type ModelsShape = 'openai-chat' | 'anthropic-messages' | 'gemini'

/** Whose list a client expects, as three protocols share the path: told by the headers that only one SDK sends. */
export const protocolOfHeaders = (headers: IncomingHttpHeaders, query: URLSearchParams | undefined): ModelsShape => {
  if (headers['anthropic-version'] !== undefined) return 'anthropic-messages'
  const google = headers['x-goog-api-key'] ?? headers['x-goog-api-client'] ?? query?.get('key')
  return google === undefined || google === null ? 'openai-chat' : 'gemini'
}

/** The models this key may use. */
export const listModels = (catalog: Catalog, principal: KeyPrincipal, shape: ModelsShape): JsonObject => {
  const models = catalog.list().filter((model) => mayUse(principal, model))
  if (shape === 'gemini') return { models: models.map(geminiModel) }
  if (shape === 'openai-chat') return { object: 'list', data: models.map(openaiModel) }
  return {
    data: models.map(anthropicModel),
    has_more: false,
    first_id: models[0]?.name ?? null,
    last_id: models.at(-1)?.name ?? null,
  }
}

/** One model by name. Not allowed looks like not there. */
export const showModel = (catalog: Catalog, principal: KeyPrincipal, shape: ModelsShape, name: string): JsonObject => {
  const model = catalog.resolve(name)
  if (!model || !mayUse(principal, model))
    throw new GatewayError('model_not_found', `The model "${name.slice(0, 128)}" does not exist.`, { param: 'model' })
  if (shape === 'gemini') return geminiModel(model)
  return shape === 'openai-chat' ? openaiModel(model) : anthropicModel(model)
}

const mayUse = (principal: KeyPrincipal, model: ResolvedModel): boolean =>
  principal.models === null || principal.models.has(model.name)

const openaiModel = (model: ResolvedModel): JsonObject => ({
  id: model.name,
  object: 'model',
  created: Math.floor(model.createdAt / 1000),
  owned_by: 'tollgate',
  ...(model.contextWindow !== null && { context_window: model.contextWindow }),
  ...(model.maxOutputTokens !== null && { max_output_tokens: model.maxOutputTokens }),
})

const anthropicModel = (model: ResolvedModel): JsonObject => ({
  type: 'model',
  id: model.name,
  display_name: model.name,
  created_at: toTimestamp(model.createdAt),
  ...(model.contextWindow !== null && { max_input_tokens: model.contextWindow }),
  ...(model.maxOutputTokens !== null && { max_tokens: model.maxOutputTokens }),
})

const geminiModel = (model: ResolvedModel): JsonObject => ({
  name: `models/${model.name}`,
  displayName: model.name,
  version: '001',
  ...(model.contextWindow !== null && { inputTokenLimit: model.contextWindow }),
  ...(model.maxOutputTokens !== null && { outputTokenLimit: model.maxOutputTokens }),
  supportedGenerationMethods: ['generateContent', 'streamGenerateContent', 'countTokens'],
})
