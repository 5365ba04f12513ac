import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a request asked of the scripted provider. */
export interface SeenCall {
  readonly protocol: 'openai-chat' | 'anthropic-messages'
  /** It offered tools: a turn of the task, not a title or a summary. */
  readonly task: boolean
  readonly answered: 'call' | 'text'
}

type Json = Record<string, unknown>

/** What the model asks for, by the name of the shell tool that each agent offers. */
const shellTools: Readonly<Record<string, (command: string) => Json>> = {
  exec_command: (command) => ({ cmd: command }),
  run_shell_command: (command) => ({ command, description: 'Writes a file.', is_background: false }),
  bash: (command) => ({ command, description: 'Writes a file.' }),
  shell: (command) => ({ command: ['sh', '-c', command] }),
}

export interface ScriptedProvider {
  readonly url: string
  readonly calls: readonly SeenCall[]
  close(): Promise<void>
}

/**
 * A provider that plays the model of a task in two turns, over Chat Completions and Messages: first it calls the shell tool with `command`, and when the result comes back
 * it says that it is done. Written by hand, without the gateway's codecs, so that they are tested against something else.
 */
export const startScriptedProvider = async (command: string): Promise<ScriptedProvider> => {
  const calls: SeenCall[] = []
  const server = createServer((request, response) => {
    readJson(request).then(
      (body) => answer(request.url ?? '', body, response),
      () => response.writeHead(400).end(),
    )
  })

  const answer = (path: string, body: Json, response: ServerResponse): void => {
    const protocol = path.endsWith('/messages') ? 'anthropic-messages' : 'openai-chat'
    const names = ((body['tools'] as Json[] | undefined) ?? []).map(
      (tool) => (tool['name'] ?? (tool['function'] as Json | undefined)?.['name']) as string,
    )
    const tool = names.find((name) => name in shellTools)
    const call = tool !== undefined && !hasResult(body) ? { name: tool, input: shellTools[tool]!(command) } : null
    calls.push({ protocol, task: tool !== undefined, answered: call ? 'call' : 'text' })
    const reply = protocol === 'openai-chat' ? chatReply(body, call) : messagesReply(body, call)
    response.writeHead(200, { 'content-type': body['stream'] ? 'text/event-stream' : 'application/json' })
    response.end(reply)
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const readJson = async (request: IncomingMessage): Promise<Json> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Json
}

/** The result of the call stands behind it, in the words of either protocol. */
const hasResult = ({ messages }: Json): boolean =>
  (messages as Json[]).some(
    ({ role, content }) =>
      role === 'tool' || (Array.isArray(content) && (content as Json[]).some((part) => part['type'] === 'tool_result')),
  )

type ToolCall = { readonly name: string; readonly input: Json } | null

const chatReply = (body: Json, call: ToolCall): string => {
  const head = { id: 'chatcmpl-scripted', created: 1_700_000_000, model: body['model'] }
  const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 }
  const finish = call ? 'tool_calls' : 'stop'
  const made = call && { name: call.name, arguments: JSON.stringify(call.input) }
  if (!body['stream']) {
    const message = made
      ? {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'call_scripted000000000001', type: 'function', function: made }],
        }
      : { role: 'assistant', content: 'Done.' }
    const choices = [{ index: 0, message, finish_reason: finish }]
    return JSON.stringify({ ...head, object: 'chat.completion', choices, usage })
  }
  const chunk = (delta: Json, reason: string | null = null): string =>
    `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`
  const half = made ? Math.floor(made.arguments.length / 2) : 0
  const body_ = made
    ? chunk({
        role: 'assistant',
        content: null,
        tool_calls: [
          { index: 0, id: 'call_scripted000000000001', type: 'function', function: { ...made, arguments: '' } },
        ],
      }) +
      chunk({ tool_calls: [{ index: 0, function: { arguments: made.arguments.slice(0, half) } }] }) +
      chunk({ tool_calls: [{ index: 0, function: { arguments: made.arguments.slice(half) } }] })
    : chunk({ role: 'assistant', content: '' }) + chunk({ content: 'Do' }) + chunk({ content: 'ne.' })
  const last = `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices: [], usage })}\n\n`
  return `${body_}${chunk({}, finish)}${last}data: [DONE]\n\n`
}

const messagesReply = (body: Json, call: ToolCall): string => {
  const head = { id: 'msg_scripted', type: 'message', role: 'assistant', model: body['model'], stop_sequence: null }
  const reason = call ? 'tool_use' : 'end_turn'
  const input = { input_tokens: 100, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }
  if (!body['stream']) {
    const content = call
      ? [{ type: 'tool_use', id: 'toolu_scripted0001', ...call }]
      : [{ type: 'text', text: 'Done.', citations: null }]
    return JSON.stringify({ ...head, content, stop_reason: reason, usage: { ...input, output_tokens: 10 } })
  }
  const event = (type: string, more: Json): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`
  const deltas = call
    ? [{ type: 'input_json_delta', partial_json: '' }].concat(
        JSON.stringify(call.input)
          .split(/(?<=[,:])/)
          .map((piece) => ({ type: 'input_json_delta', partial_json: piece })),
      )
    : ['Do', 'ne.'].map((text) => ({ type: 'text_delta', text }))
  const block = call
    ? { type: 'tool_use', id: 'toolu_scripted0001', name: call.name, input: {} }
    : { type: 'text', text: '' }
  return [
    event('message_start', {
      message: { ...head, content: [], stop_reason: null, usage: { ...input, output_tokens: 1 } },
    }),
    event('content_block_start', { index: 0, content_block: block }),
    event('ping', {}),
    ...deltas.map((delta) => event('content_block_delta', { index: 0, delta })),
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: 10 } }),
    event('message_stop', {}),
  ].join('')
}
