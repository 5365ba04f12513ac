import { fieldName } from '../client-fields.ts'
import { effortOf } from '../effort.ts'
import { budgetOf } from '../effort.ts'
import type { JsonObject, NeutralRequest } from '../neutral/index.ts'
import { reasoningDialectOf } from './models.ts'
import type { Warnings } from './refusals.ts'

const leastBudget = 1024

/** Reasoning in the fields of the model's vendor, for `additionalModelRequestFields`; empty where nothing is to be said. */
export const encodeReasoning = (
  request: NeutralRequest,
  model: string,
  maxTokens: number | undefined,
  warnings: Warnings,
): JsonObject => {
  const { reasoning } = request
  if (!reasoning) return {}
  const path = fieldName(request, 'reasoning')
  const off = reasoning.mode === 'off' || reasoning.effort === 'none' || reasoning.budgetTokens === 0
  switch (reasoningDialectOf(model)) {
    case undefined:
      if (!off) warnings.dropped(path, 'how this model reasons cannot be set')
      return {}
    case 'claude': {
      if (off) return {}
      const wanted = reasoning.budgetTokens ?? budgetOf(reasoning.effort ?? 'medium')
      const budget = Math.min(wanted, (maxTokens ?? Number.POSITIVE_INFINITY) - 1)
      if (budget < leastBudget) {
        warnings.dropped(path, `the limit on output leaves less than ${leastBudget} tokens for thinking`)
        return {}
      }
      if (budget < wanted && effortOf(budget) !== (reasoning.effort ?? effortOf(wanted)))
        warnings.changed(path, `the budget is lowered to ${budget}`)
      return { thinking: { type: 'enabled', budget_tokens: budget } }
    }
    case 'nova':
      return off
        ? { reasoningConfig: { type: 'disabled' } }
        : { reasoningConfig: { type: 'enabled', maxReasoningEffort: threeSteps(request, path, warnings) } }
    case 'effort':
      if (off) {
        warnings.dropped(path, 'this model always reasons')
        return {}
      }
      return { reasoning_effort: threeSteps(request, path, warnings) }
  }
}

const threeSteps = ({ reasoning }: NeutralRequest, path: string, warnings: Warnings): 'low' | 'medium' | 'high' => {
  const { effort, budgetTokens } = reasoning!
  if (effort === undefined) return budgetTokens === undefined ? 'medium' : stepOf(budgetTokens)
  if (effort === 'low' || effort === 'medium' || effort === 'high') return effort
  const step = effort === 'minimal' || effort === 'none' ? 'low' : 'high'
  warnings.changed(path, `"${effort}" is sent as "${step}"`)
  return step
}

const stepOf = (budget: number): 'low' | 'medium' | 'high' =>
  budget <= 4096 ? 'low' : budget <= 12_288 ? 'medium' : 'high'
