import { fieldName } from '../client-fields.ts'
import { effortOf } from '../effort.ts'
import type { Effort, JsonObject, NeutralRequest, Reasoning } from '../neutral/index.ts'
import { isGeneration3, type ModelTraits } from './model-name.ts'
import type { Warnings } from './refusals.ts'

/** The steps of the protocols reference, part 13.6. */
const budgetOf: Readonly<Record<Exclude<Effort, 'none'>, number>> = {
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 24_576,
  max: 32_000,
}
/** Gemini 2.5: the most that Flash takes, the most that Pro takes, and the least that Pro can be brought to. */
const mostFlash = 24_576
const mostPro = 32_768
const leastPro = 128
/** Less is no thinking worth its price: then it is switched off. */
const leastBudget = 1024

/** `thinkingConfig`: levels from Gemini 3 on, a budget for 2.5, nothing for older models, which do not think. */
export const encodeThinking = (
  request: NeutralRequest,
  traits: ModelTraits,
  maxTokens: number | undefined,
  warnings: Warnings,
): JsonObject | undefined => {
  const { reasoning } = request
  if (!reasoning) return undefined
  const path = fieldName(request, 'reasoning')
  if (traits.version !== undefined && traits.version < 2.5 && request.protocol !== 'gemini') {
    if (!isOff(reasoning)) warnings.dropped(path, 'this model does not think')
    return undefined
  }
  const thinks: JsonObject = isGeneration3(traits)
    ? encodeLevel(request, reasoning, traits, path, warnings)
    : encodeBudget(request, reasoning, traits, maxTokens, path, warnings)
  // Thoughts that are switched off cannot be shown.
  const shown = thinks['thinkingBudget'] === 0 && request.protocol !== 'gemini' ? {} : encodeShown(request, reasoning)
  const config = { ...thinks, ...shown }
  return Object.keys(config).length > 0 ? config : undefined
}

const isOff = ({ mode, effort }: Reasoning): boolean => mode === 'off' || effort === 'none'

/** A Gemini client's budget is sent as it is: newer models still take one. */
const encodeLevel = (
  { protocol }: NeutralRequest,
  reasoning: Reasoning,
  { pro }: ModelTraits,
  path: string,
  warnings: Warnings,
): JsonObject => {
  const { effort, budgetTokens, mode } = reasoning
  if (protocol === 'gemini' && effort === undefined) {
    if (budgetTokens !== undefined) return { thinkingBudget: budgetTokens }
    if (mode !== undefined) return { thinkingBudget: mode === 'off' ? 0 : -1 }
  }
  const wanted = isOff(reasoning)
    ? 'minimal'
    : (effort ?? (budgetTokens === undefined ? undefined : nearest(budgetTokens)))
  switch (wanted) {
    case undefined:
    case 'none':
      return {}
    case 'minimal':
      if (isOff(reasoning))
        warnings.changed(path, `this model always thinks; "${pro ? 'low' : 'minimal'}" is its least`)
      else if (pro && protocol !== 'gemini') warnings.changed(path, 'the least level of this model is "low"')
      return { thinkingLevel: pro && protocol !== 'gemini' ? 'LOW' : 'MINIMAL' }
    case 'low':
    case 'medium':
    case 'high':
      return { thinkingLevel: wanted.toUpperCase() }
    case 'xhigh':
    case 'max':
      if (effort !== undefined) warnings.changed(path, 'the highest level of this model is "high"')
      return { thinkingLevel: 'HIGH' }
  }
}

const nearest = (budget: number): Effort => {
  if (budget <= 1024) return 'minimal'
  if (budget <= 4096) return 'low'
  return budget <= 12_288 ? 'medium' : 'high'
}

const encodeBudget = (
  { protocol, maxTokens: asksAtMost }: NeutralRequest,
  reasoning: Reasoning,
  { version, pro }: ModelTraits,
  maxTokens: number | undefined,
  path: string,
  warnings: Warnings,
): JsonObject => {
  const { effort, budgetTokens, mode } = reasoning
  if (isOff(reasoning)) {
    if (version !== 2.5 || !pro || protocol === 'gemini') return { thinkingBudget: 0 }
    warnings.changed(path, `this model always thinks; ${leastPro} tokens are its least`)
    return { thinkingBudget: leastPro }
  }
  if (protocol === 'gemini') {
    if (budgetTokens !== undefined) return { thinkingBudget: budgetTokens }
    if (effort !== undefined && effort !== 'none') return { thinkingLevel: effort.toUpperCase() }
    return mode === 'adaptive' ? { thinkingBudget: -1 } : {}
  }
  const asked = budgetTokens ?? (effort === undefined || effort === 'none' ? undefined : budgetOf[effort])
  if (asked === undefined) return mode === undefined ? {} : { thinkingBudget: -1 }
  const limit = maxTokens ?? Number.POSITIVE_INFINITY
  // A limit that the client did not set must not cost it its answer: half of it is left for that.
  const room = asksAtMost === undefined ? Math.floor(limit / 2) : limit - 1
  const budget = Math.min(asked, pro ? mostPro : mostFlash, room)
  if (budget < Math.min(asked, leastBudget)) {
    const least = pro ? leastPro : 0
    warnings.changed(path, `the limit on output leaves less than ${leastBudget} tokens for thinking; ${least} are sent`)
    return { thinkingBudget: least }
  }
  if (budget < asked && (budgetTokens !== undefined || effortOf(budget) !== effort))
    warnings.changed(path, `the budget is lowered to ${budget}`)
  return { thinkingBudget: Math.max(budget, pro ? leastPro : 0) }
}

/** Clients of Responses and of Gemini say whether they want to see thoughts; the others are shown them unless they refuse. */
const encodeShown = ({ protocol }: NeutralRequest, reasoning: Reasoning): JsonObject => {
  if (reasoning.display !== undefined) {
    if (reasoning.display === 'summarized') return { includeThoughts: true }
    return protocol === 'gemini' ? { includeThoughts: false } : {}
  }
  const asks = protocol === 'openai-responses' || protocol === 'gemini'
  return asks || isOff(reasoning) ? {} : { includeThoughts: true }
}
