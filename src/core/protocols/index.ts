import { anthropicMessages } from './anthropic-messages/index.ts'
import { gemini } from './gemini/index.ts'
import { bedrockConverse } from './bedrock-converse/index.ts'
import type { ProtocolId } from './neutral/index.ts'
import { openaiChat } from './openai-chat/index.ts'
import { openaiResponses } from './openai-responses/index.ts'
import type { Protocol, ProviderProtocol } from './protocol.ts'

/** Every protocol that clients and providers speak. A new one is a folder and a line here. */
export const protocols: readonly Protocol[] = [openaiChat, openaiResponses, anthropicMessages, gemini]

/** Formats that only providers speak. */
const providerOnly: readonly ProviderProtocol[] = [bedrockConverse]

/** Every protocol that providers speak. */
export const providerProtocols: readonly ProviderProtocol[] = [...protocols, ...providerOnly]

const byId = new Map<string, Protocol>(protocols.map((protocol) => [protocol.id, protocol]))
const providersById = new Map<string, ProviderProtocol>(providerProtocols.map((protocol) => [protocol.id, protocol]))

/** Throws for an id that is none: ids come from our own manifests and rows that were checked against them. */
export const protocolById = (id: ProtocolId): Protocol => {
  const found = byId.get(id)
  if (!found) throw new Error(`there is no protocol "${id}" for clients`)
  return found
}

/** Like protocolById, for the side of the provider. */
export const providerProtocolById = (id: ProtocolId): ProviderProtocol => {
  const found = providersById.get(id)
  if (!found) throw new Error(`there is no protocol "${id}"`)
  return found
}
