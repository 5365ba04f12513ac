import type {
  JsonObject,
  JsonValue,
  NeutralRequest,
  Part,
  ToolChoice,
} from '../../../src/core/protocols/neutral/index.ts'

/** Everything said, in order, without the protocols' ways of saying it. */
const saying = (part: Part): string => {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return part.text
    case 'image':
    case 'document':
    case 'audio':
      // A document of text may be sent as text.
      if (part.source.from === 'text') return part.source.text
      return `${part.type} ${JSON.stringify(part.source)}`
    // Whether earlier reasoning may be sent back is for each target to say.
    case 'thinking':
      return ''
    case 'tool-call':
      return `call ${part.name} ${part.arguments}`
    case 'tool-result':
      return `result ${part.content.map(saying).join('')}`
    case 'opaque':
      return JSON.stringify(part.value)
  }
}

/** Everything said, in order; spaces, line ends and JSON's freedoms may differ, and texts of one speaker may be joined. */
const words = (request: NeutralRequest): string[] =>
  [...request.system, ...request.messages.flatMap(({ parts }) => parts)]
    .map(saying)
    .join(' ')
    // What is no text follows the results under the id of its call; an instruction in the middle is marked as one.
    .replaceAll(/Result of [^:]+:|<\/?system-reminder>/g, '')
    .split(/\W+/)
    .filter((word) => word !== '')

/** For providers whose requests no client sends, and nobody reads here: every word and every tool must at least be there. */
export const unsaid = (request: NeutralRequest, body: JsonObject): string[] => {
  const counts = new Map<string, number>()
  for (const word of leaves(body).flatMap((leaf) => leaf.split(/\W+/))) counts.set(word, (counts.get(word) ?? 0) + 1)
  const parts = [...request.system, ...request.messages.flatMap((message) => message.parts)]
  // Tools that may not be called need not be told of.
  const tools = request.toolChoice?.mode === 'none' ? [] : toolNames(request)
  const missing = [...parts.flatMap(textsOf), ...tools].find((word) => {
    const left = word.split(/\W+/).map((piece) => [piece, counts.get(piece) ?? 0] as const)
    for (const [piece, count] of left) counts.set(piece, count - 1)
    return left.some(([piece, count]) => piece !== '' && count <= 0)
  })
  return missing === undefined ? [] : [`"${missing}" did not arrive`]
}

const textsOf = (part: Part): string[] => {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return [part.text]
    case 'tool-call':
      return [part.name, ...(part.custom ? [part.arguments] : leaves(JSON.parse(part.arguments || '{}') as JsonValue))]
    case 'tool-result':
      return part.content.flatMap(textsOf)
    case 'image':
    case 'document':
    case 'audio':
      return part.source.from === 'base64' ? [part.source.data] : []
    // Another model's reasoning, and what only another provider understands.
    case 'thinking':
    case 'opaque':
      return []
  }
}

/** Every name and text in a value; what it has of numbers too. */
const leaves = (value: JsonValue): string[] => {
  if (Array.isArray(value)) return value.flatMap(leaves)
  if (typeof value !== 'object' || value === null) return [String(value)]
  return Object.entries(value).flatMap(([key, inner]) => [key, ...leaves(inner)])
}

const toolNames = ({ tools }: NeutralRequest): string[] =>
  tools.flatMap((tool) => (tool.type === 'function' || tool.type === 'custom' ? [tool.name] : []))

const calls = ({ messages }: NeutralRequest): string[] =>
  messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'tool-call' ? [part.name] : [])))

/** Calls and results must be tied together as they were. */
const ties = ({ messages }: NeutralRequest): number[] => {
  const parts = messages.flatMap((message) => message.parts)
  const ids = parts.flatMap((part) => (part.type === 'tool-call' ? [part.id] : []))
  return parts.flatMap((part) => (part.type === 'tool-result' ? [ids.indexOf(part.callId)] : []))
}

/** Blocks of hosted tools that were left out and named so. */
const withoutDropped = (request: NeutralRequest, named: readonly string[]): NeutralRequest => ({
  ...request,
  messages: request.messages.map((message) => ({
    ...message,
    parts: message.parts.filter(({ type, path }) => type !== 'opaque' || path === undefined || !named.includes(path)),
  })),
})

export const changed = (before: NeutralRequest, after: NeutralRequest, named: readonly string[]): string[] => {
  const problems: string[] = []
  const compare = (what: string, left: unknown, right: unknown): void => {
    const [one, other] = [JSON.stringify(left) ?? 'nothing', JSON.stringify(right) ?? 'nothing']
    if (one !== other) problems.push(`${what}: ${one.slice(0, 200)} became ${other.slice(0, 200)}`)
  }
  const [said, heard] = [words(withoutDropped(before, named)), words(after)]
  const differs = said.findIndex((word, index) => heard[index] !== word)
  if (differs !== -1 || heard.length > said.length) {
    const from = differs === -1 ? said.length : differs
    const [one, other] = [said, heard].map((all) => all.slice(from, from + 8).join(' '))
    problems.push(`"${one}" became "${other}"`)
  }
  compare('calls', calls(before), calls(after))
  compare('results', ties(before), ties(after))
  compare('stream', before.stream, after.stream)
  const unless = (fields: RegExp, run: () => void): void => {
    if (!named.some((path) => fields.test(path))) run()
  }
  unless(/^tools/i, () => compare('tools', toolNames(before), toolNames(after)))
  unless(/stop/i, () => compare('stop', before.stop ?? [], after.stop ?? []))
  unless(/parallel|disable/i, () =>
    compare('single calls', before.parallelToolCalls === false, after.parallelToolCalls === false),
  )
  unless(/max_?(completion_|output_?)?tokens/i, () => {
    if (before.maxTokens !== undefined) compare('limit', before.maxTokens, after.maxTokens)
  })
  unless(/temperature/, () => compare('temperature', before.temperature, after.temperature))
  unless(/top_?p/i, () => compare('top_p', before.topP, after.topP))
  unless(/format|schema|mimetype/i, () => compare('format', schemaOf(before), schemaOf(after)))
  unless(/tool/i, () => compare('choice of tools', choiceOf(before), choiceOf(after)))
  compare('model', 'real', after.model)
  if (before.protocol === after.protocol) {
    compare('fields of its own', before.extensions, after.extensions)
    compare('definitions of tools', before.tools.map(withoutPath), after.tools.map(withoutPath))
  }
  return problems
}

const schemaOf = ({ format }: NeutralRequest) =>
  format === undefined || format.type === 'text' ? 'text' : format.type === 'json' ? 'json' : format.schema

const withoutPath = (tool: NeutralRequest['tools'][number]) => ({ ...tool, path: undefined })

/** Letting the model choose is what happens when nothing is said, and all the tools there are is no choice among them. */
const choiceOf = (request: NeutralRequest): ToolChoice => {
  const { toolChoice } = request
  if (request.tools.length === 0 || !toolChoice) return { mode: 'auto' }
  const all = toolChoice.mode === 'subset' && toolNames(request).every((name) => toolChoice.names.includes(name))
  return all ? { mode: toolChoice.required ? 'required' : 'auto' } : toolChoice
}
