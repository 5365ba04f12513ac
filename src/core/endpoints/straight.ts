import type { Protocol } from '../protocols/protocol.ts'
import type { Translation } from './crossing.ts'
import type { RoadOptions } from './endpoint.ts'

/** The way to a provider that speaks the client's protocol: bytes stay bytes. */
export const straight = (client: Protocol, { facts, target, shadowModel }: RoadOptions): Translation => ({
  straight: true,
  warnings: [],
  request: (maxTokens) =>
    client.raw.request(facts.scanned, {
      model: target.model,
      forceUsage: facts.stream,
      chat: target.quirks.chat,
      ...(maxTokens !== undefined && maxTokens !== facts.maxTokens && { maxTokens }),
    }),
  unary: (body) => client.raw.response(body, { model: shadowModel }),
  stream: () => client.raw.createTap({ model: shadowModel, includeUsage: facts.includeUsage, choices: facts.choices }),
})
