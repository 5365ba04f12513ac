import type { JsonObject } from '../../../src/core/protocols/neutral/index.ts'

interface Call {
  readonly index: number
  readonly function?: { arguments: string }
  readonly custom?: { input: string }
}
interface Delta {
  readonly content?: string | null
  readonly reasoning_content?: string
  readonly reasoning_details?: readonly JsonObject[]
  readonly tool_calls?: readonly Call[]
}

/** The message that a client of Chat Completions keeps of an answer and sends back: whatever it was given. */
export const keptMessage = (bytes: Buffer, stream: boolean): JsonObject => {
  const text = bytes.toString()
  if (!stream) return (JSON.parse(text) as { choices: { message: JsonObject }[] }).choices[0]!.message
  const calls: Call[] = []
  const details: JsonObject[] = []
  let content = ''
  let reasoning = ''
  for (const frame of text.split('\n\n')) {
    if (!frame.startsWith('data: {')) continue
    const { choices } = JSON.parse(frame.slice(6)) as { choices: { delta: Delta }[] }
    const delta = choices[0]?.delta ?? {}
    content += delta.content ?? ''
    reasoning += delta.reasoning_content ?? ''
    details.push(...(delta.reasoning_details ?? []))
    for (const call of delta.tool_calls ?? []) {
      const known = calls[call.index]
      if (!known) calls[call.index] = call
      else if (known.function) known.function.arguments += call.function?.arguments ?? ''
      else if (known.custom) known.custom.input += call.custom?.input ?? ''
    }
  }
  const message = {
    role: 'assistant',
    content: content === '' && calls.length > 0 ? null : content,
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(details.length > 0 && { reasoning_details: details }),
    ...(calls.length > 0 && { tool_calls: calls.map(withoutIndex) }),
  }
  return message as unknown as JsonObject
}

const withoutIndex = (call: Call): Omit<Call, 'index'> => {
  const { index: _, ...rest } = call
  return rest
}
