import type { IncomingHttpHeaders } from 'node:http'
import type { Catalog, ResolvedModel } from '../../core/catalog/resolved.ts'
import { GatewayError } from '../../core/kernel/errors.ts'
import { toTimestamp } from '../../core/kernel/clock.ts'
import type { KeyPrincipal } from '../../core/keys/verdict.ts'
import type { JsonObject } from '../../core/protocols/neutral/index.ts'
import { refuse } from '../../core/protocols/read.ts'

export type ModelsShape = 'openai-chat' | 'anthropic-messages' | 'gemini'

/** Whose list a client expects, as three protocols share the path: told by the headers that only one SDK sends. */
export const protocolOfHeaders = (headers: IncomingHttpHeaders, query: URLSearchParams | undefined): ModelsShape => {
  if (headers['anthropic-version'] !== undefined) return 'anthropic-messages'
  const google = headers['x-goog-api-key'] ?? headers['x-goog-api-client'] ?? query?.get('key')
  return google === undefined || google === null ? 'openai-chat' : 'gemini'
}

/** The models this key may use. `query`: the page that Google's clients ask for. */
export const listModels = (
  catalog: Catalog,
  principal: KeyPrincipal,
  shape: ModelsShape,
  query?: URLSearchParams,
): JsonObject => {
  const models = catalog.list().filter((model) => mayUse(principal, model))
  if (shape === 'gemini') return geminiPage(models, query)
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
  // The name that Google's lists tell begins with the collection.
  const model =
    catalog.resolve(name) ?? (shape === 'gemini' ? catalog.resolve(name.replace(/^models\//, '')) : undefined)
  if (!model || !mayUse(principal, model))
    throw new GatewayError('model_not_found', `The model "${name.slice(0, 128)}" does not exist.`, { param: 'model' })
  if (shape === 'gemini') return geminiModel(model)
  return shape === 'openai-chat' ? openaiModel(model) : anthropicModel(model)
}

/** Google's bound (https://ai.google.dev/api/models#method:-models.list); without a size all come at once. */
const largestPage = 1000

const geminiPage = (models: readonly ResolvedModel[], query: URLSearchParams | undefined): JsonObject => {
  const size = query?.get('pageSize') ?? query?.get('page_size') ?? ''
  const token = query?.get('pageToken') ?? query?.get('page_token') ?? ''
  if (!/^\d{0,9}$/.test(size)) return refuse('pageSize', `must be a whole number, at most ${largestPage}.`)
  // Zero is Google's word for none.
  const most = Number(size) === 0 ? models.length : Math.min(Number(size), largestPage)
  const last = Buffer.from(token, 'base64url').toString('utf8')
  const from = token === '' ? 0 : models.findIndex(({ name }) => name === last) + 1
  if (token !== '' && from === 0) return refuse('pageToken', 'is not one that this list gave. Begin without it.')
  const page = models.slice(from, from + most)
  const next = from + most < models.length ? page.at(-1)?.name : undefined
  return {
    models: page.map(geminiModel),
    ...(next !== undefined && { nextPageToken: Buffer.from(next).toString('base64url') }),
  }
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
