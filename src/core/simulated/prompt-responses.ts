import { BadPrompt, contentText, count, imagesIn, isJson, list, object, parseBody, text } from './prompt.ts'
import type { Json, Prompt } from './prompt.ts'

/** A Responses request: `input` as text or as items. */
export const readResponsesPrompt = (bytes: Buffer): Prompt => {
  const body = parseBody(bytes)
  if (typeof body['model'] !== 'string') throw new BadPrompt('model: a string is required.')
  if (body['previous_response_id'] != null)
    throw new BadPrompt('previous_response_id: nothing is kept here. Send the whole conversation as input.')
  const { input } = body
  const items: readonly Json[] =
    typeof input === 'string' ? [{ role: 'user', content: input }] : list(input).filter((item) => isJson(item))
  if (items.length === 0) throw new BadPrompt('input: at least one item is required.')
  const messages = items.filter(({ role }) => typeof role === 'string')
  const users = messages.filter(({ role }) => role === 'user')
  const results: string[] = []
  for (const item of items.toReversed()) {
    if (item['type'] !== 'function_call_output') break
    results.unshift(contentText(item['output']))
  }
  const instructions = [
    text(body['instructions']),
    ...messages
      .filter(({ role }) => role === 'system' || role === 'developer')
      .map(({ content }) => contentText(content)),
  ]
  const choice = body['tool_choice']
  const named = text(object(choice)['name'])
  const format = object(object(body['text'])['format'])
  return {
    model: body['model'],
    stream: body['stream'] === true,
    includeUsage: true,
    texts: [text(body['instructions']), ...items.map(({ content, output }) => contentText(content ?? output))].filter(
      (piece) => piece !== '',
    ),
    system: instructions.filter((piece) => piece !== '').join('\n'),
    lastUser: contentText(users.at(-1)?.['content']),
    userTurns: users.length,
    images: messages.reduce((sum, { content }) => sum + imagesIn(content), 0),
    toolResult: results.length > 0 ? results.join('; ') : null,
    tools: list(body['tools'])
      .map(object)
      .filter(({ type }) => type === 'function')
      .map((tool) => ({ name: text(tool['name']), schema: object(tool['parameters']) })),
    toolChoice:
      named !== ''
        ? { mode: 'named', name: named }
        : { mode: choice === 'none' || choice === 'required' ? choice : 'auto' },
    parallel: body['parallel_tool_calls'] !== false,
    maxTokens: count(body['max_output_tokens']),
    stop: [],
    choices: 1,
    schema: format['type'] === 'json_schema' ? object(format['schema']) : format['type'] === 'json_object' ? {} : null,
    thinking: object(body['reasoning'])['summary'] != null,
  }
}
