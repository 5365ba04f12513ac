import type { Finish } from './neutral/index.ts'

/** Why an encoder of any protocol gives up, in sentences for the client. The provider's own words are not among them: they are not yet cleaned of names and addresses. */
export const failed = 'The provider failed to answer this request.'
export const unfinished = 'The provider ended the answer before it was complete.'

/** The sentence for an end that the client's protocol has no word for. */
export const brokenFinish = ({ reason, raw }: Finish): string => {
  if (reason === 'malformed-tool-call') return 'The model made a tool call that cannot be read.'
  return `The model stopped in a way that cannot be expressed here${raw === null ? '' : ` ("${raw.slice(0, 64)}")`}.`
}
