import type { NeutralMessage, Part } from './neutral/index.ts'

/**
 * The conversation with what the model said in a row as one message, for protocols in which each message is a turn. Clients of others keep an answer in pieces: the SDK of
 * Gemini sends every chunk of a stream as a turn of its own.
 */
export const joinAnswers = (messages: readonly NeutralMessage[]): NeutralMessage[] => {
  const joined: NeutralMessage[] = []
  let parts: Part[] | undefined
  for (const [index, message] of messages.entries()) {
    const path = message.path ?? `messages[${index}]`
    if (message.role !== 'assistant') {
      parts = undefined
      joined.push({ ...message, path })
      continue
    }
    const placed = withPaths(message, path)
    if (parts) {
      append(parts, placed)
      continue
    }
    parts = [...placed]
    joined.push({ ...message, parts, path })
  }
  return joined
}

const withPaths = ({ parts }: NeutralMessage, path: string): readonly Part[] =>
  parts.every((part) => part.path !== undefined)
    ? parts
    : parts.map((part, position) => ({ ...part, path: part.path ?? `${path}.content[${position}]` }))

/** `push` for lists of any length: as arguments of a call there are only so many. */
export const append = <T>(list: T[], more: readonly T[]): void => {
  for (const item of more) list.push(item)
}

/** Where each id stands among these, for sorting: one look, because a client decides how many there are. */
export const placesOf = (ids: readonly string[]): ((id: string) => number) => {
  const places = new Map(ids.map((id, place) => [id, place]))
  return (id) => places.get(id) ?? -1
}
