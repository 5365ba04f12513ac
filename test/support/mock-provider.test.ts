import { describe, expect, test } from 'vitest'
import { startMockProvider, startMockProviderInProcess } from './mock-provider.ts'

const ask = (url: string, path: string, body: unknown): Promise<Response> =>
  fetch(`${url}${path}`, { method: 'POST', headers: { 'x-request-id': 'req_1' }, body: JSON.stringify(body) })

describe.each([
  ['in its own process', startMockProvider],
  ['in process', startMockProviderInProcess],
])('%s', (_name, start) => {
  test('answers in both protocols and logs every attempt with its id and usage', async () => {
    const mock = await start()
    try {
      const chat = (await (await ask(mock.url, '/chat/completions', { model: 'a' })).json()) as { usage: unknown }
      expect(chat.usage).toEqual({ prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 })
      const stream = await (await ask(mock.url, '/messages', { model: 'a', stream: true })).text()
      expect(stream.match(/^event: \w+$/gm)?.at(-1)).toBe('event: message_stop')
      const log = await mock.log()
      expect(log.map(({ id, path, stream: streamed, outcome, usage }) => [id, path, streamed, outcome, usage])).toEqual(
        [
          ['req_1', '/v1/chat/completions', false, 'complete', { input: 10, output: 5 }],
          ['req_1', '/v1/messages', true, 'complete', { input: 10, output: 5 }],
        ],
      )
    } finally {
      await mock.stop()
    }
  })

  test('plays a list of behaviours in turn, exact bytes and faults among them', async () => {
    const mock = await start()
    try {
      await mock.script('m', [
        { status: 500, chunks: ['no'], times: 2 },
        { chunks: ['abc', { base64: '/w==' }], framing: 'length' },
        { chunks: ['abcdef'], fault: { kind: 'reset', afterBytes: 3 } },
      ])
      expect((await ask(mock.url, '/x', { model: 'm' })).status).toBe(500)
      expect((await ask(mock.url, '/x', { model: 'm' })).status).toBe(500)
      const bytes = Buffer.from(await (await ask(mock.url, '/x', { model: 'm' })).arrayBuffer())
      expect(bytes).toEqual(Buffer.from('616263ff', 'hex'))
      for (let i = 0; i < 2; i++)
        await expect(ask(mock.url, '/x', { model: 'm' }).then((response) => response.text())).rejects.toThrow(
          /terminated|fetch failed/,
        )
      expect((await mock.log()).slice(3).map(({ outcome, sentBytes }) => [outcome, sentBytes])).toEqual([
        ['fault', 3],
        ['fault', 3],
      ])
    } finally {
      await mock.stop()
    }
  })
})
