import { expect, test } from 'vitest'
import { flatName, namespacedTools } from './tool-namespaces.ts'

const mail = { type: 'namespace', name: 'mail', description: '', tools: [{ type: 'function', name: 'send' }] }

test('tools of namespaces are found by their flat names, in the definitions and in items that add some', () => {
  const asked = {
    tools: [{ type: 'function', name: 'plain' }, mail],
    input: [
      { role: 'user', content: 'hi' },
      { type: 'additional_tools', tools: [{ ...mail, name: 'files', tools: [{ type: 'custom', name: 'patch' }] }] },
    ],
  }
  expect([...namespacedTools(asked)]).toEqual([
    [flatName('mail', 'send'), { namespace: 'mail', name: 'send' }],
    [flatName('files', 'patch'), { namespace: 'files', name: 'patch' }],
  ])
})

test('a body that cannot be read defines none', () => {
  for (const asked of [undefined, {}, { tools: 3, input: 'hi' }, { tools: [null, { type: 'namespace', tools: 1 }] }])
    expect(namespacedTools(asked).size).toBe(0)
})
