import type { JsonObject, JsonValue } from '../../src/core/protocols/neutral/index.ts'
import { fitsStrict } from '../../src/core/protocols/openai-chat/strict-schema.ts'
import { flatName } from '../../src/core/protocols/openai-responses/tool-namespaces.ts'
import { isObject } from '../../src/core/protocols/read.ts'

const text = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')

/** The fields but for some, and those that are null. */
const without = (value: JsonObject, ...fields: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(value).filter(([field, inner]) => inner !== null && !fields.includes(field)))

export const list = (value: JsonValue | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : [])

const joined = (value: JsonValue | undefined): string =>
  list(value)
    .map((part) => text(part['text']))
    .join('')

const meaningOfPart = (part: JsonObject): JsonObject => ({
  ...without(part, 'annotations', 'logprobs'),
  ...(part['type'] === 'input_image' && { detail: part['detail'] ?? 'auto' }),
  ...(list(part['annotations']).length > 0 && { annotations: list(part['annotations']) }),
})

const meaningOfContent = (value: JsonValue): JsonValue => {
  if (!Array.isArray(value)) return value
  const parts = list(value).map(meaningOfPart)
  return parts.every((part) => text(part['type']).endsWith('_text') && Object.keys(part).length === 2) &&
    parts.length > 0
    ? parts.map((part) => text(part['text'])).join('|')
    : parts
}

const meaningOfItem = (item: JsonObject): JsonObject => {
  const { id, namespace, name, ...given } = without(item, 'status')
  if (given['type'] === 'reasoning') {
    const { summary, content, ...more } = given
    return { ...more, ...(id !== undefined && { id }), text: joined(summary) || joined(content) }
  }
  const whole = given['type'] === undefined || given['type'] === 'message'
  if (!whole && !/^(?:function|custom_tool)_call/.test(text(given['type']))) return without(item)
  const { type, ...said } = given
  return {
    ...said,
    ...(!whole && { type: type! }),
    ...(name !== undefined && { name: typeof namespace === 'string' ? flatName(namespace, text(name)) : name }),
    ...(said['role'] === 'developer' && { role: 'system' }),
    ...(said['content'] !== undefined && { content: meaningOfContent(said['content']) }),
    ...(said['output'] !== undefined && { output: meaningOfContent(said['output']) }),
  }
}

const meaningOfTool = (tool: JsonObject): JsonObject[] => {
  const given = without(tool)
  if (given['type'] === 'namespace')
    return list(given['tools']).flatMap((inner) =>
      meaningOfTool({ ...inner, name: flatName(text(given['name']), text(inner['name'])) }),
    )
  if (given['type'] !== 'function') return [given]
  const { parameters = { type: 'object', properties: {} } } = given
  return [{ ...given, parameters, strict: given['strict'] ?? (isObject(parameters) && fitsStrict(parameters)) }]
}

/**
 * What a request to the Responses API means, whichever way it is written. Left out or made alike is what may differ between two that mean the same where nothing is kept:
 * the model's name, ids and states of items, `developer` and `system`, options of the stream, the place of added tools, namespaces, a choice among no tools, and messages
 * of the assistant without a word.
 */
export const meaning = (body: JsonObject): JsonObject => {
  const { input, tools, include, tool_choice, parallel_tool_calls, ...more } = without(
    body,
    'model',
    'store',
    'stream_options',
  )
  const items = typeof input === 'string' ? [{ role: 'user', content: input }] : list(input)
  const defined = [
    ...list(tools),
    ...items.filter(({ type }) => type === 'additional_tools').flatMap((item) => list(item['tools'])),
  ].flatMap(meaningOfTool)
  const included = Array.isArray(include) ? include.filter((name) => name !== 'reasoning.encrypted_content') : []
  if (more['truncation'] === 'disabled') delete more['truncation']
  if (more['stream'] === false) delete more['stream']
  if (more['instructions'] === '') delete more['instructions']
  for (const field of ['text', 'reasoning']) {
    const inner = more[field]
    if (isObject(inner)) more[field] = without(inner)
    if (JSON.stringify(more[field]) === '{}') delete more[field]
  }
  return {
    ...more,
    input: items
      .filter(({ type }) => type !== 'additional_tools')
      .map(meaningOfItem)
      .filter(({ role, content }) => role !== 'assistant' || content !== ''),
    ...(included.length > 0 && { include: included }),
    ...(defined.length > 0 && { tools: defined }),
    ...(defined.length > 0 && tool_choice !== undefined && { tool_choice }),
    ...(defined.length > 0 && parallel_tool_calls !== undefined && { parallel_tool_calls }),
  }
}
