import { describe, expect, test } from 'vitest'
import { protocols, providerProtocols } from './index.ts'
import type { JsonObject, NeutralMessage, NeutralRequest, NeutralTool, Part } from './neutral/index.ts'

/** Steps that look through all the others for each one need seconds for as many; the bound is far from what is needed, so that a slow machine passes. */
const most = 20_000
const patience = 3000

const options = { model: 'model', defaultMaxTokens: 1000 }
const place = { model: 'model', stream: false }
const numbers = Array.from({ length: most }, (_, index) => index)
const tools = numbers.map((index): NeutralTool => ({ type: 'function', name: `tool_${index}` }))

const call = (index: number): Part => ({ type: 'tool-call', id: `call_${index}`, name: 'tool_1', arguments: '{}' })
const result = (index: number): Part => ({
  type: 'tool-result',
  callId: `call_${index}`,
  content: [{ type: 'text', text: `${index}` }],
})
const say = (text: string): Part => ({ type: 'text', text })

const asking = (...messages: readonly NeutralMessage[]): NeutralRequest => ({
  protocol: 'openai-responses',
  model: 'model',
  stream: false,
  includeUsage: true,
  system: [],
  messages: [{ role: 'user', parts: [say('q')] }, ...messages],
  tools: [],
})

const conversations: Readonly<Record<string, NeutralRequest>> = {
  'calls in one turn, answered from behind': asking(
    { role: 'assistant', parts: numbers.map(call) },
    { role: 'user', parts: numbers.toReversed().map(result) },
  ),
  'calls in turns of their own': asking(
    ...numbers.flatMap((index): NeutralMessage[] => [
      { role: 'assistant', parts: [call(index)] },
      { role: 'user', parts: [result(index)] },
    ]),
  ),
  'tools, all of them allowed': {
    ...asking(),
    tools,
    toolChoice: { mode: 'subset', names: tools.map(({ name }) => name), required: true },
  },
}

const timed = (run: () => unknown): number => {
  const start = performance.now()
  run()
  return performance.now() - start
}

describe.each(Object.entries(conversations))(`${most} %s cross without a stop`, (_, request) => {
  for (const client of protocols) {
    test(`from ${client.id}`, { timeout: 60_000 }, () => {
      const body: JsonObject = client.encodeRequest({ ...request, protocol: client.id }, options).body
      for (const provider of providerProtocols) {
        const took = timed(() => provider.encodeRequest(client.decodeRequest(body, place), options))
        expect({ provider: provider.id, slow: took > patience, took }).toMatchObject({ slow: false })
      }
    })
  }
})

test(`${most} calls and results of a Gemini client that gives no ids cross without a stop`, { timeout: 60_000 }, () => {
  const gemini = protocols.find(({ id }) => id === 'gemini')!
  const named = (index: number): string => `tool_${index % 3}`
  const body: JsonObject = {
    contents: [
      { role: 'user', parts: [{ text: 'q' }] },
      { role: 'model', parts: numbers.map((index) => ({ functionCall: { name: named(index), args: {} } })) },
      { role: 'user', parts: numbers.map((index) => ({ functionResponse: { name: named(index), response: {} } })) },
    ],
  }
  for (const provider of providerProtocols)
    expect(timed(() => provider.encodeRequest(gemini.decodeRequest(body, place), options))).toBeLessThan(patience)
})
