import { protocols, providerProtocols } from '../../../src/core/protocols/index.ts'
import type { Protocol, ProviderProtocol } from '../../../src/core/protocols/protocol.ts'

/** Whom the client speaks, and who answers. */
export interface Pair {
  readonly name: string
  readonly client: Protocol
  readonly provider: ProviderProtocol
}

/** Every ordered pair of protocols. It grows by itself with the list of protocols. */
export const pairs: readonly Pair[] = protocols.flatMap((client) =>
  providerProtocols.map((provider) => ({ name: `${client.id} client, ${provider.id} provider`, client, provider })),
)
