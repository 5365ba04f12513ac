import { GatewayError } from '../kernel/errors.ts'
import type { TargetInput } from './schemas.ts'

/** Largest weight and priority; longer numbers after `@` belong to the model's name (`claude-sonnet-4@20250514`). */
export const maxWeight = 999_999
export const maxPriority = 999

const weightSuffix = /^(.*)@([1-9]\d{0,5})$/s
const prioritySuffix = /^(.*)#([1-9]\d{0,2})$/s
/** What was probably meant as one of them: `@0`, `@1.5`, `#-1`, `#1000`. */
const brokenSuffix = /(?:@[-+]?(?:\d{0,7}\.\d+|0\d{0,6}|\d{7})|@[-+]\d+|#[-+]?[\d.]+)$/

/**
 * A target as people write it: `provider/model[@weight][#priority]`, for example `openai/gpt-5@3#1` or `router/meta/llama-4:free`. The provider ends at the first
 * slash; everything after it but a weight and a priority is the provider's own name of the model. Throws `invalid_request`.
 */
export const parseTarget = (text: string): TargetInput => {
  const wrong = (why: string): GatewayError =>
    new GatewayError(
      'invalid_request',
      `target "${text.slice(0, 80)}": ${why} Write provider/model[@weight][#priority], for example openai/gpt-5@3#1.`,
      {
        param: 'targets',
      },
    )
  const slash = text.indexOf('/')
  if (slash < 1) throw wrong('the provider is missing.')
  let model = text.slice(slash + 1)

  const priority = prioritySuffix.exec(model)
  if (priority) model = priority[1]!
  const weight = weightSuffix.exec(model)
  if (weight) model = weight[1]!
  if (brokenSuffix.test(model)) {
    throw wrong(
      `after @ stands a whole weight from 1 to ${maxWeight}, then after # a whole priority from 1 to ${maxPriority}.`,
    )
  }
  if (!/^[\x21-\x7e]{1,200}$/.test(model)) throw wrong("the provider's model has 1 to 200 characters without blanks.")
  return {
    provider: text.slice(0, slash),
    model,
    weight: weight ? Number(weight[2]) : 1,
    priority: priority ? Number(priority[2]) : 1,
  }
}
