import { anthropicMessages } from './anthropic-messages/index.ts'
import { openaiChat } from './openai-chat/index.ts'
import type { Protocol } from './protocol.ts'

/** Every protocol we read and write. A new one is a folder and a line here. */
export const protocols: readonly Protocol[] = [openaiChat, anthropicMessages]

/** Throws for an id that is none: ids come from our own manifests and rows that were checked against them. */
export const protocolById = (id: string): Protocol => {
  const found = protocols.find((protocol) => protocol.id === id)
  if (!found) throw new Error(`there is no protocol "${id}"`)
  return found
}
