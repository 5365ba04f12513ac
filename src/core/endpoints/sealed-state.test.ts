import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSealer } from '../kernel/secrets.ts'
import { fold } from '../protocols/fold.ts'
import type { NeutralEvent, NeutralRequest, NeutralResponse, Part } from '../protocols/neutral/index.ts'
import { sealPrefix } from '../protocols/sealed.ts'
import {
  familyOf,
  openState,
  openStates,
  sealResponse,
  sealState,
  StateSeal,
  type ReasoningState,
  type StateOwner,
} from './sealed-state.ts'

const sealer = createSealer(Buffer.alloc(32, 1), 'test')
const claude: StateOwner = { protocol: 'anthropic-messages', provider: 'prv_1', family: 'claude' }

const thinking = (more: object = {}): NeutralEvent[] => [
  { type: 'start', id: 'a', model: 'm' },
  { type: 'block-start', choice: 0, index: 0, block: { kind: 'thinking', ...more } },
  { type: 'block-delta', choice: 0, index: 0, delta: { kind: 'text', text: 'Let me ' } },
  { type: 'block-delta', choice: 0, index: 0, delta: { kind: 'text', text: 'see.' } },
]
const end: NeutralEvent[] = [
  { type: 'block-stop', choice: 0, index: 0 },
  { type: 'finish', choice: 0, finish: { reason: 'stop', raw: null } },
  { type: 'end' },
]
const signature = (text: string): NeutralEvent => ({
  type: 'block-delta',
  choice: 0,
  index: 0,
  delta: { kind: 'signature', signature: text },
})

const sealedOf = (events: readonly NeutralEvent[], owner: StateOwner): string => {
  const seal = new StateSeal(sealer, owner)
  const answer = fold(events.flatMap((event) => [...seal.push(event)])) as NeutralResponse
  const block = answer.choices[0]!.blocks[0]!
  return (block.kind === 'thinking' && block.signature) || ''
}

const back = (parts: Part[], owner: StateOwner) => {
  const request = { messages: [{ role: 'assistant', parts }] } as unknown as NeutralRequest
  const opened = openStates(request, sealer, owner)
  return { parts: opened.request.messages[0]?.parts ?? [], warnings: opened.warnings }
}

describe('reasoning state that a client of another protocol carries', () => {
  test('comes back byte for byte to the model that made it, with its text', () => {
    const sealed = sealedOf([...thinking({ id: 'rs_1' }), signature('c2ln'), ...end], claude)
    expect(sealed.startsWith(sealPrefix)).toBe(true)
    expect(back([{ type: 'thinking', text: '', signature: sealed }], claude)).toEqual({
      parts: [{ type: 'thinking', text: 'Let me see.', signature: 'c2ln', signedBy: 'anthropic-messages', id: 'rs_1' }],
      warnings: [],
    })
  })

  test('stands in once where the client also shows its text', () => {
    const sealed = sealedOf([...thinking(), signature('c2ln'), ...end], claude)
    const { parts } = back(
      [
        { type: 'thinking', text: 'Let me see.' },
        { type: 'thinking', text: '', signature: sealed },
      ],
      claude,
    )
    expect(parts).toHaveLength(1)
  })

  test('is dropped with a named warning for another model, keeping the text for those that want it', () => {
    const sealed = sealedOf([...thinking(), signature('c2ln'), ...end], claude)
    const gemini: StateOwner = { protocol: 'gemini', provider: 'prv_2', family: 'gemini' }
    const { parts, warnings } = back(
      [{ type: 'thinking', text: '', signature: sealed, path: 'messages[1].content[0]' }],
      gemini,
    )
    expect(parts).toMatchObject([{ text: 'Let me see.', signedBy: 'anthropic-messages' }])
    expect(parts[0]).not.toHaveProperty('signature')
    expect(warnings).toMatchObject([{ path: 'messages[1].content[0]', action: 'dropped' }])
  })

  test('of Responses returns to its own account alone', () => {
    const owner: StateOwner = { protocol: 'openai-responses', provider: 'prv_1', family: 'gpt' }
    const sealed = sealedOf([...thinking(), signature('x'), ...end], owner)
    const part: Part = { type: 'thinking', text: '', signature: sealed }
    expect(back([part], owner).parts[0]).toHaveProperty('signature', 'x')
    expect(back([part], { ...owner, provider: 'prv_2' }).parts[0]).not.toHaveProperty('signature')
  })

  test('of one generation of Gemini never reaches another', () => {
    const owner = (model: string): StateOwner => ({ protocol: 'gemini', provider: 'prv_1', family: familyOf(model) })
    const sealed = sealedOf([...thinking(), signature('x'), ...end], owner('gemini-3-pro'))
    const part: Part = { type: 'thinking', text: '', signature: sealed }
    expect(back([part], owner('gemini-3.1-flash')).parts[0]).toHaveProperty('signature', 'x')
    const other = back([part], owner('gemini-2.5-flash'))
    expect(other.parts[0]).not.toHaveProperty('signature')
    expect(other.warnings).toHaveLength(1)
  })

  test('redacted reasoning is carried too', () => {
    const sealed = sealedOf([...thinking({ redacted: 'opaque' }).slice(0, 2), ...end], claude)
    expect(back([{ type: 'thinking', text: '', signature: sealed }], claude).parts).toMatchObject([
      { text: '', redacted: 'opaque' },
    ])
  })

  test('redacted reasoning in several blocks comes back in as many', () => {
    const sealed = ['cmVk', 'Z3JlZW4='].map((redacted) =>
      sealedOf([...thinking({ redacted }).slice(0, 2), ...end], claude),
    )
    const { parts } = back(
      sealed.map((state) => ({ type: 'thinking', text: '', signature: state })),
      claude,
    )
    expect(parts).toMatchObject([{ redacted: 'cmVk' }, { redacted: 'Z3JlZW4=' }])
  })

  test('a chat server’s plain reasoning is carried, as some demand it back', () => {
    const deepseek: StateOwner = { protocol: 'openai-chat', provider: 'prv_1', family: 'deepseek' }
    const sealed = sealedOf([...thinking(), ...end], deepseek)
    expect(back([{ type: 'thinking', text: '', signature: sealed }], deepseek).parts).toMatchObject([
      { text: 'Let me see.' },
    ])
  })

  test('that was changed, or sealed elsewhere, is dropped and never sent', () => {
    const sealed = sealedOf([...thinking(), signature('c2ln'), ...end], claude)
    for (const wrong of [
      `${sealed.slice(0, -8)}AAAAAAA=`,
      sealPrefix,
      `${sealPrefix}%%%`,
      sealState(createSealer(Buffer.alloc(32, 2), 'test'), { ...claude, text: 'x' }),
    ]) {
      const { parts, warnings } = back([{ type: 'thinking', text: '', signature: wrong }], claude)
      expect(parts).toEqual([])
      expect(warnings).toHaveLength(1)
    }
  })

  test('says the same in a stream and in a whole answer', () => {
    const events = [...thinking(), signature('c2ln'), ...end]
    const sealed = sealResponse(fold(events) as NeutralResponse, sealer, claude).choices[0]!.blocks[0]!
    const open = (text: string): unknown => openState(sealer, text)
    expect(sealed.kind === 'thinking' && open(sealed.signature!)).toEqual(open(sealedOf(events, claude)))
  })

  test('any state survives sealing, in both alphabets of base64, as one valid base64 text', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 300 })
    fc.assert(
      fc.property(text, text, (signed, shown) => {
        const state: ReasoningState = { ...claude, text: shown, signature: signed }
        const sealed = sealState(sealer, state)
        expect(Buffer.from(sealed, 'base64').toString('base64')).toBe(sealed)
        expect(openState(sealer, sealed)).toEqual(state)
        expect(openState(sealer, sealed.replaceAll('+', '-').replaceAll('/', '_'))).toEqual(state)
      }),
    )
  })
})

test.each([
  ['claude-opus-4-8', 'claude'],
  ['us.anthropic.claude-haiku-4-5-20251001-v1:0', 'claude'],
  ['publishers/google/models/gemini-3-pro', 'gemini-3'],
  ['gemini-3.1-flash-lite-preview', 'gemini-3'],
  ['google/gemini-pro-latest', 'gemini-3'],
  ['gemini-2.5-flash', 'gemini-2.5'],
  ['models/gemini-2.5-pro-preview-06-05', 'gemini-2.5'],
  ['gemini-2.0-flash', 'gemini-2'],
  ['gemini-embedding', 'gemini'],
  ['gpt-5.6', 'gpt'],
  ['o4-mini', 'o4'],
])('%s is of the family %s', (model, family) => {
  expect(familyOf(model)).toBe(family)
})
