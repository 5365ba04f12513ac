import { quirks } from '../../src/core/protocols/openai-chat/quirks.ts'
import { providerKinds } from '../../src/core/provider-kinds/index.ts'
import { code, type Page, table } from './page.ts'

export const providerKindsPage: Page = {
  file: 'provider-kinds.md',
  async render() {
    const kinds = providerKinds.map((kind) => [
      code(kind.id),
      kind.title,
      kind.baseUrl === null ? (kind.id === 'simulated' ? 'inside the program' : 'yours') : code(kind.baseUrl),
      kind.speaks.join(', '),
      kind.auth + (kind.keyless && kind.auth !== 'none' ? ', if it wants one' : ''),
      (kind.quirks ?? []).map(code).join(' '),
    ])
    const settings = providerKinds.flatMap((kind) =>
      (kind.settings ?? []).map(({ name, title }) => [code(kind.id), code(name), title]),
    )
    const named = quirks.map(({ id, side, title }) => [
      code(id),
      side,
      title,
      providerKinds
        .filter((kind) => kind.quirks?.includes(id))
        .map((kind) => kind.id)
        .join(', '),
    ])
    return `# Kinds of provider

What \`gateway providers add <name> --kind K\` takes. How each is set up is in [providers.md](providers.md).

${table(['kind', 'title', 'base URL', 'speaks', 'authenticates by', 'quirks'], kinds)}

A client's own protocol is used where the provider speaks it; otherwise the first. Bedrock and Vertex choose by the model.

## Settings

\`--set name=value\` fills the braces of a base URL. With \`--base-url\` they are not needed.

${table(['kind', 'setting', 'meaning'], settings)}

## Quirks

How servers that speak Chat Completions differ from OpenAI. \`--quirk\` and \`--no-quirk\` switch them for one provider. A quirk of requests changes what is sent. A quirk of answers
takes answers through the gateway's own form, out of which they come as the protocol demands; fields that only such a server knows are then lost.

${table(['quirk', 'side', 'the server …', 'kinds that have it'], named)}
`
  },
}
