import type { NeutralRequest, NeutralResponse, Part } from '../../../src/core/protocols/neutral/index.ts'
import { statesIn } from './answers.ts'
import { citedPages } from './essence.ts'

/** What can be shown by recorded requests. */
export const requestFeatures = [
  'text',
  'tools',
  'parallel tools',
  'images',
  'documents',
  'reasoning',
  'structured output',
] as const
/** What can be shown by recorded answers. */
export const answerFeatures = [
  'text',
  'tools',
  'parallel tools',
  'reasoning',
  'sealed state',
  'cited pages',
  'refusals',
  'length stops',
  'usage',
  'errors',
  'mid-stream failures',
] as const

export type RequestFeature = (typeof requestFeatures)[number]
export type AnswerFeature = (typeof answerFeatures)[number]

export const featuresOfRequest = ({ messages, tools, format, reasoning }: NeutralRequest): RequestFeature[] => {
  const parts = messages.flatMap((message) => message.parts)
  const inside: Part[] = parts.flatMap((part): Part[] =>
    part.type === 'tool-result' ? [part, ...part.content] : [part],
  )
  const has = (type: string): boolean => inside.some((part) => part.type === type)
  const together = messages.some((message) => message.parts.filter(({ type }) => type === 'tool-call').length > 1)
  const features: [RequestFeature, boolean][] = [
    ['text', true],
    ['tools', tools.length > 0 || has('tool-call')],
    ['parallel tools', together],
    ['images', has('image')],
    ['documents', has('document')],
    ['reasoning', reasoning !== undefined || has('thinking')],
    ['structured output', format !== undefined && format.type !== 'text'],
  ]
  return features.flatMap(([feature, present]) => (present ? [feature] : []))
}

export const featuresOfAnswer = (answer: NeutralResponse): AnswerFeature[] => {
  const blocks = answer.choices.flatMap((choice) => choice.blocks)
  const has = (kind: string): boolean =>
    blocks.some((block) => block.kind === kind && (!('text' in block) || block.text !== ''))
  const ends = answer.choices.map(({ finish }) => finish.reason)
  const calls = answer.choices.map((choice) => choice.blocks.filter(({ kind }) => kind === 'tool-call').length)
  const features: [AnswerFeature, boolean][] = [
    ['text', has('text')],
    ['tools', Math.max(...calls) > 0],
    ['parallel tools', Math.max(...calls) > 1],
    ['reasoning', has('thinking')],
    ['sealed state', statesIn(answer).length > 0],
    ['cited pages', citedPages(blocks).length > 0],
    ['refusals', has('refusal') || ends.includes('refusal') || ends.includes('content-filter')],
    ['length stops', ends.includes('length') || ends.includes('context-exceeded')],
    ['usage', answer.usage !== undefined],
  ]
  return features.flatMap(([feature, present]) => (present ? [feature] : []))
}
