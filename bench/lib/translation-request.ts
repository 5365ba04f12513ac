import type { NeutralMessage, NeutralRequest } from '../../src/core/protocols/neutral/index.ts'
import type { Protocol } from '../../src/core/protocols/protocol.ts'
import type { Asked } from '../../test/conformance/support/asked.ts'

const prose =
  'The parser reads one object after another; what it does not know it keeps, and what it must not keep it names. “Überraschung” – said the log at 03:14.\n'
const code = 'export const add = (left: number, right: number): number => {\n\treturn left + right // "sum"\n}\n'

const turns = (count: number): NeutralMessage[] =>
  Array.from({ length: count }, (_, turn): NeutralMessage[] => [
    { role: 'user', parts: [{ type: 'text', text: `${turn}. ${prose.repeat(3)}` }] },
    {
      role: 'assistant',
      parts: [
        { type: 'text', text: prose },
        {
          type: 'tool-call',
          id: `call_${turn}_abcdefgh`,
          name: 'read_file',
          arguments: `{"path":"src/${turn}.ts","lines":[1,200]}`,
        },
      ],
    },
    {
      role: 'user',
      parts: [
        { type: 'tool-result', callId: `call_${turn}_abcdefgh`, content: [{ type: 'text', text: code.repeat(8) }] },
      ],
    },
    { role: 'assistant', parts: [{ type: 'text', text: prose }] },
  ]).flat()

const tools: NeutralRequest['tools'] = ['read_file', 'write_file', 'run', 'search', 'list', 'ask'].map((name) => ({
  type: 'function',
  name,
  description: prose.repeat(2),
  strict: false,
  schema: {
    type: 'object',
    properties: {
      path: { type: 'string', description: 'Where it lies, from the root of the project.' },
      lines: { type: 'array', items: { type: 'integer' }, description: 'First and last.' },
      mode: { type: 'string', enum: ['text', 'bytes'] },
    },
    required: ['path'],
    additionalProperties: false,
  },
}))

/** What an agent sends after some turns: instructions, six tools, calls and results; 20 KB in the words of this client. */
export const agentRequest = (client: Protocol): Asked => {
  const neutral: NeutralRequest = {
    protocol: client.id,
    model: 'shadow',
    stream: true,
    includeUsage: true,
    system: [{ type: 'text', text: prose.repeat(10) }],
    messages: [...turns(8), { role: 'user', parts: [{ type: 'text', text: 'Go on.' }] }],
    tools,
    maxTokens: 4096,
    temperature: 0.5,
  }
  return {
    body: client.encodeRequest(neutral, { model: 'shadow', defaultMaxTokens: 4096 }).body,
    place: { model: 'shadow', stream: true },
  }
}
