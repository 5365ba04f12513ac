import type { ProviderKind } from './provider-kind.ts'

type ClientHeaders = Readonly<Record<string, string>>

/** Client headers that OpenAI and servers like it understand. Credentials, accounts and cookies are never among them. */
export const openAiClientHeaders = ['openai-beta', 'idempotency-key', 'x-client-request-id'] as const

/** Those of the client's headers that may pass. */
export const forwarded = (names: readonly string[], client: ClientHeaders): Record<string, string> => {
  const headers: Record<string, string> = {}
  for (const name of names) {
    const value = client[name]
    if (value !== undefined) headers[name] = value
  }
  return headers
}

/** `Authorization: Bearer` where there is a secret, beside what may pass. */
export const bearer =
  (names: readonly string[]): ProviderKind['headers'] =>
  ({ secret, client }) => {
    const headers = forwarded(names, client)
    if (secret !== null) headers['authorization'] = `Bearer ${secret}`
    return headers
  }

/** A vendor or server with OpenAI's chat completions behind a bearer token. */
export const openAiLike = (
  kind: Pick<ProviderKind, 'id' | 'title' | 'baseUrl' | 'docs'> &
    Partial<Pick<ProviderKind, 'keyless' | 'speaks' | 'quirks' | 'forwardHeaders' | 'auth' | 'modelList'>>,
): ProviderKind => ({
  speaks: ['openai-chat'],
  keyless: false,
  auth: 'Authorization: Bearer',
  forwardHeaders: openAiClientHeaders,
  ...kind,
  headers: bearer(kind.forwardHeaders ?? openAiClientHeaders),
})
