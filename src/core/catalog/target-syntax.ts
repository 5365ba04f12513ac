import { GatewayError } from '../kernel/errors.ts'
import type { TargetInput } from './schemas.ts'

/** Largest weight and priority. Numbers of eight and more digits after `@` belong to the model's name (`claude-sonnet-4@20250514`). */
export const maxWeight = 999_999
export const maxPriority = 999

const weightSuffix = /^(.*)@([1-9]\d{0,5})$/s
const prioritySuffix = /^(.*)#([1-9]\d{0,2})$/s
/** What stands where a weight would and can only be part of a name: a date (`@20250514`), or a longer path (`@cf/meta/llama-3`). */
const nameAfterAt = /@(?:\d{8,}|[^@]*\/[^@]*)$/
/** A weight or a priority that was perhaps meant: `@0`, `@heavy`, `@latest`, `#1.5`, `#1000`. */
const doubtful = /[@#][^@#]*$/

/**
 * A target as people write it: `provider/model[@weight][#priority]`, for example `openai/gpt-5@3#1` or `router/meta/llama-4:free`. The provider ends at the first
 * slash; everything after it but a weight and a priority is the provider's own name of the model. Where an end could be either (`hub/model@latest`) it is refused, and
 * a weight behind it (`hub/model@latest@1`) says that it is the name. Throws `invalid_request`.
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
  const [end] = doubtful.exec(model) ?? []
  if (end?.startsWith('#') && !priority) {
    throw wrong(
      `"${end}" is no priority, a whole number from 1 to ${maxPriority} at the very end. If it belongs to the model's name, write a weight and a priority behind it: ${text}@1#1.`,
    )
  }
  if (end?.startsWith('@') && !weight && !nameAfterAt.test(model)) {
    throw wrong(
      `"${end}" is no weight, a whole number from 1 to ${maxWeight}. If it belongs to the model's name, write a weight behind it: ${text.slice(0, slash + 1)}${model}@1.`,
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

/** The shortest text that `parseTarget` reads as this target. */
export const formatTarget = ({ provider, model, weight, priority }: TargetInput): string => {
  const [end] = doubtful.exec(model) ?? []
  const explicit = end !== undefined && (end.startsWith('#') || !nameAfterAt.test(model))
  return `${provider}/${model}${weight === 1 && !explicit ? '' : `@${weight}`}${priority === 1 && !(explicit && end.startsWith('#')) ? '' : `#${priority}`}`
}
