import { hash, randomUUID } from 'node:crypto'

const accepted = /^[a-zA-Z0-9_-]{1,64}$/

/**
 * The id of a tool call as Converse accepts it: 1 to 64 letters, digits, "_" and "-". Another id becomes a hash of itself, so that call and result still meet, and meet
 * again in every later turn, without anything being remembered.
 */
export const toolUseId = (id: string): string =>
  accepted.test(id) ? id : `tooluse_${hash('sha256', id, 'hex').slice(0, 24)}`

/** Answers of Converse have no id (AWS's request id is in a header). */
export const mintAnswerId = (): string => `bedrock-${randomUUID()}`
