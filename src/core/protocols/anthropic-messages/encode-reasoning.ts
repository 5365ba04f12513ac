import { fieldName } from '../client-fields.ts'
import { budgetOf } from '../effort.ts'
import type { JsonObject, NeutralRequest, Reasoning } from '../neutral/index.ts'
import { unsupported, type Warnings } from './refusals.ts'
import { howItThinks } from './thinking-models.ts'

const leastBudget = 1024

/**
 * `thinking`, `output_config` and the sampling fields, which depend on each other: an effort is sent as `output_config.effort` with adaptive thinking, or as a budget to
 * models that know nothing else; a budget as manual thinking, which allows neither a forced tool nor free sampling (protocols reference, 13.6).
 */
export const encodeReasoning = (
  given: NeutralRequest,
  model: string,
  maxTokens: number,
  warnings: Warnings,
): JsonObject => {
  const request = asBudget(given, model, maxTokens, warnings)
  const thinking = encodeThinking(request, maxTokens, warnings)
  if (thinking?.['type'] === 'enabled' && forcesTool(request))
    unsupported(fieldName(request, 'toolChoice'), 'a tool cannot be forced while thinking has a budget')
  const config = encodeOutputConfig(request, warnings)
  return {
    ...(thinking && { thinking }),
    ...(Object.keys(config).length > 0 && { output_config: config }),
    ...encodeSampling(request, constrains(request, thinking), warnings),
  }
}

/** The request in words of the model: older ones take no effort, which becomes a budget, and the oldest do not think. What a client of this protocol wrote is its own. */
const asBudget = (request: NeutralRequest, model: string, maxTokens: number, warnings: Warnings): NeutralRequest => {
  const { reasoning, protocol } = request
  if (!reasoning || protocol === 'anthropic-messages') return request
  const thinks = howItThinks(model)
  if (thinks === 'adaptive') return request
  const off = reasoning.mode === 'off' || reasoning.effort === 'none' || reasoning.budgetTokens === 0
  const { reasoning: _, ...without } = request
  if (thinks === 'never') {
    if (!off && asks(reasoning)) warnings.dropped(fieldName(request, 'reasoning'), 'this model does not think')
    return without
  }
  if (off || reasoning.budgetTokens !== undefined) return request
  // Thoughts that nobody asked for cannot be shown either.
  if (!asks(reasoning)) return without
  if (forcesTool(request)) {
    warnings.dropped(fieldName(request, 'reasoning'), 'this model cannot think where a tool is forced')
    return without
  }
  const { effort = 'medium', mode: __, ...shown } = reasoning
  const budgetTokens = budgetOf(effort)
  // A limit that was set here must leave room for the answer.
  const room = request.maxTokens === undefined ? Math.floor(maxTokens / 2) : Number.POSITIVE_INFINITY
  if (budgetTokens > room)
    warnings.changed(
      fieldName(request, 'reasoning'),
      'lowered, to leave room for the answer within the limit on output',
    )
  return { ...without, reasoning: { ...shown, mode: 'on', budgetTokens: Math.min(budgetTokens, room) } }
}

const asks = ({ effort, mode }: Reasoning): boolean => effort !== undefined || mode === 'on' || mode === 'adaptive'

const forcesTool = ({ toolChoice }: NeutralRequest): boolean =>
  toolChoice?.mode === 'required' ||
  toolChoice?.mode === 'tool' ||
  (toolChoice?.mode === 'subset' && toolChoice.required)

/** Thinking fixes the sampling. What an Anthropic client wrote beside adaptive thinking is its own choice; beside thinking that was added here it gives way. */
const constrains = (request: NeutralRequest, thinking: JsonObject | undefined): boolean =>
  thinking?.['type'] === 'enabled' || (thinking?.['type'] === 'adaptive' && request.protocol !== 'anthropic-messages')

const encodeThinking = (request: NeutralRequest, maxTokens: number, warnings: Warnings): JsonObject | undefined => {
  const { reasoning } = request
  const kept = request.extensions?.['anthropic-messages']?.['thinking']
  // What the client wrote in this protocol's own words is restored by the caller.
  if (!reasoning || kept !== undefined) return undefined
  const display = reasoning.display ? { display: reasoning.display } : {}
  if (reasoning.mode === 'off' || reasoning.effort === 'none') return { type: 'disabled' }
  if (reasoning.budgetTokens !== undefined) {
    const budget = Math.min(reasoning.budgetTokens, maxTokens - 1)
    if (budget < leastBudget) {
      warnings.dropped(
        fieldName(request, 'reasoning'),
        `the limit on output leaves less than ${leastBudget} tokens for thinking`,
      )
      return { type: 'disabled' }
    }
    if (budget < reasoning.budgetTokens)
      warnings.changed(fieldName(request, 'reasoning'), 'lowered below the limit on output')
    return { type: 'enabled', budget_tokens: budget, ...display }
  }
  // An Anthropic client's effort without thinking is a setting of its own; and where a tool is forced there can be no thinking, only the effort.
  if (reasoning.mode === undefined && (request.protocol === 'anthropic-messages' || forcesTool(request)))
    return undefined
  return { type: 'adaptive', ...display }
}

const encodeOutputConfig = (request: NeutralRequest, warnings: Warnings): JsonObject => {
  const { format, reasoning } = request
  const config: JsonObject = {}
  if (reasoning?.effort && reasoning.effort !== 'none') {
    if (reasoning.effort === 'minimal') warnings.changed(fieldName(request, 'reasoning'), '"minimal" is sent as "low"')
    config['effort'] = reasoning.effort === 'minimal' ? 'low' : reasoning.effort
  }
  if (format?.type === 'schema') {
    config['format'] = { type: 'json_schema', schema: format.schema }
    if (format.description !== undefined)
      warnings.dropped(
        fieldName(request, 'format'),
        'the description of a format: the Messages API has no place for it',
      )
  }
  return config
}

const encodeSampling = (request: NeutralRequest, thinking: boolean, warnings: Warnings): JsonObject => {
  const sampling: JsonObject = {}
  const { temperature, topP, topK } = request
  const name = (field: 'temperature' | 'topP' | 'topK'): string => fieldName(request, field)
  const blocked = 'not allowed together with thinking'
  if (temperature !== undefined) {
    if (thinking && temperature !== 1) warnings.dropped(name('temperature'), blocked)
    else {
      if (temperature > 1) warnings.changed(name('temperature'), 'the Messages API allows at most 1')
      sampling['temperature'] = Math.min(temperature, 1)
    }
  }
  if (topP !== undefined) {
    if (thinking && topP < 0.95) warnings.dropped(name('topP'), blocked)
    else sampling['top_p'] = topP
  }
  if (topK !== undefined) {
    if (thinking) warnings.dropped(name('topK'), blocked)
    else sampling['top_k'] = topK
  }
  return sampling
}
