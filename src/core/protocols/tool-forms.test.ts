import { expect, test } from 'vitest'
import { fold } from './fold.ts'
import type { NeutralEvent, NeutralRequest } from './neutral/index.ts'
import { asFunctions, FreeTextCalls, restoreFreeText } from './tool-forms.ts'

const request = (more: Partial<NeutralRequest>): NeutralRequest => ({
  protocol: 'openai-responses',
  model: 'm',
  stream: false,
  includeUsage: true,
  system: [],
  messages: [],
  tools: [],
  ...more,
})
const patch = { type: 'custom', name: 'patch', description: 'Applies a patch.' } as const

test('a free-text tool and its calls become a function with one string, and come back as they were', () => {
  const { request: sent, freeText } = asFunctions(
    request({
      tools: [patch],
      messages: [
        {
          role: 'assistant',
          parts: [{ type: 'tool-call', id: 'c1', name: 'patch', arguments: '*** "x"\n', custom: true }],
        },
      ],
    }),
    { dropUnsupportedTools: false },
  )
  expect(sent.tools).toMatchObject([{ type: 'function', name: 'patch', schema: { required: ['input'] } }])
  const call = sent.messages[0]!.parts[0]!
  expect(call).toMatchObject({ arguments: JSON.stringify({ input: '*** "x"\n' }) })
  expect(call).not.toHaveProperty('custom')

  const calls = new FreeTextCalls(freeText)
  const events: NeutralEvent[] = [
    { type: 'start', id: 'a', model: 'm' },
    { type: 'block-start', choice: 0, index: 0, block: { kind: 'tool-call', id: 'c2', name: 'patch' } },
    ...['{"inp', 'ut":"a\\n', 'b"}'].map((json): NeutralEvent => ({
      type: 'block-delta',
      choice: 0,
      index: 0,
      delta: { kind: 'arguments', json },
    })),
    { type: 'block-stop', choice: 0, index: 0 },
    { type: 'finish', choice: 0, finish: { reason: 'tool-calls', raw: null } },
    { type: 'end' },
  ]
  const streamed = fold(events.flatMap((event) => [...calls.push(event)]))
  expect(streamed).toMatchObject({
    choices: [{ blocks: [{ kind: 'tool-call', name: 'patch', custom: true, arguments: 'a\nb' }] }],
  })
  const whole = fold(events)
  expect('class' in whole ? whole : restoreFreeText(whole, freeText)).toEqual(streamed)
})

test('a grammar is refused with its path, or left out with its tool where the model is set so', () => {
  const tools = [{ ...patch, grammar: { syntax: 'lark', definition: 'start: "x"' }, path: 'tools[0]' }]
  expect(() => asFunctions(request({ tools }), { dropUnsupportedTools: false })).toThrow(/tools\[0\]\.format/)
  const dropped = asFunctions(request({ tools }), { dropUnsupportedTools: true })
  expect(dropped.request.tools).toEqual([])
  expect(dropped.warnings).toMatchObject([{ path: 'tools[0]', action: 'dropped' }])
})

test('a request without free-text tools is passed on as it is', () => {
  const given = request({ tools: [{ type: 'function', name: 'f' }] })
  expect(asFunctions(given, { dropUnsupportedTools: false }).request).toBe(given)
})
