import { gemini } from '../../protocols/gemini/index.ts'
import type { RoadTarget } from '../endpoint.ts'

/** The name of a model in a body of Google's: `models/…`, unless it says itself where it stands. */
export const googleName = (model: string): string => (/^\w+\/./.test(model) ? model : `models/${model}`)

/** The path of another method of the model: `/models/…:countTokens`. */
export const googlePath = ({ kind, model }: RoadTarget, method: string): string => {
  const call = { protocol: 'gemini', model, stream: false, baseUrl: kind.baseUrl ?? '', client: {} } as const
  const main = kind.path?.(call) ?? gemini.upstreamPath(model, false)
  return main.replace(/:generateContent$/, `:${method}`)
}
