import { describe, expect, test } from 'vitest'
import { unfold } from '../../src/core/protocols/fold.ts'
import { protocols } from '../../src/core/protocols/index.ts'
import type { FinishReason, NeutralResponse, Usage } from '../../src/core/protocols/neutral/index.ts'
import { inputTotal, outputTotal } from '../../src/core/protocols/neutral/index.ts'
import type { Protocol } from '../../src/core/protocols/protocol.ts'
import {
  answerOf,
  brokenLaws,
  decodeStream,
  readRecordings,
  recordingsPresent,
  recut,
  streamBytes,
} from '../support/recordings.ts'

const options = { model: 'shadow', includeUsage: true, created: 1, estimatedInputTokens: 7 }

/** Every pair of protocols: who answers, and whom the client speaks. */
const pairs = protocols.flatMap((provider) =>
  protocols.map((client) => ({ from: provider.id, to: client.id, provider, client })),
)

/** Reasons that one of the protocols cannot tell apart. */
const sameEnd: Readonly<Partial<Record<FinishReason, FinishReason>>> = {
  'stop-sequence': 'stop',
  'content-filter': 'refusal',
  'context-exceeded': 'length',
}

/** What has to arrive whichever protocols lie between: words, calls, and how it ended. Blocks of text may be joined, marks of a vendor may stay behind. */
const essence = ({ choices }: NeutralResponse) => {
  const { blocks, finish } = choices[0]!
  const words = (kind: 'text' | 'thinking'): string =>
    blocks.map((block) => (block.kind === kind ? block.text : '')).join('')
  return {
    text: words('text'),
    thinking: words('thinking'),
    calls: blocks
      .filter((block) => block.kind === 'tool-call')
      .map((call) => ({ name: call.name, arguments: parse(call.arguments) })),
    ended: sameEnd[finish.reason] ?? finish.reason,
  }
}

/** Arguments as a value; a call that the limit on output cut off keeps its text. */
const parse = (text: string): unknown => {
  try {
    return JSON.parse(text === '' ? '{}' : text)
  } catch {
    return text
  }
}

const buckets = (usage: Usage | undefined) =>
  usage && {
    input: inputTotal(usage),
    cacheRead: usage.input.cacheRead,
    cacheWrite: usage.input.cacheWrite5m + usage.input.cacheWrite1h,
    output: outputTotal(usage),
    reasoning: usage.output.reasoning,
  }

/** Answers that must reach a client as an error are the error tests' business. */
const isAnswer = (provider: Protocol, bytes: Buffer): boolean => {
  const events = decodeStream(provider, [bytes])
  const finish = events.findLast((event) => event.type === 'finish')
  return finish !== undefined && !['other', 'pause', 'malformed-tool-call'].includes(finish.finish.reason)
}

const encode = (client: Protocol, events: ReturnType<typeof decodeStream>): string => {
  const encoder = client.createEncoder(options)
  return events.map((event) => encoder.push(event)).join('')
}

describe.skipIf(!recordingsPresent)('recorded answers reach every client (skipped where they are absent)', () => {
  for (const { from, to, provider, client } of pairs) {
    const all = readRecordings(provider.id)
    const streams = all.filter(({ response }) => response.chunks).filter((one) => isAnswer(provider, streamBytes(one)))
    const whole = all.filter(
      ({ response }) => response.status === 200 && (response.json?.['choices'] ?? response.json?.['content']) != null,
    )

    describe(`${from} → ${to}`, () => {
      test.each(streams)('streamed: $id', (recording) => {
        const events = decodeStream(provider, recut(streamBytes(recording), 7))
        const bytes = Buffer.from(encode(client, events))
        const arrived = decodeStream(client, [bytes])
        expect(brokenLaws(arrived)).toEqual([])
        const before = answerOf(events)
        const after = answerOf(arrived)
        expect(essence(after)).toEqual(essence(before))
        if (before.usage) expect(buckets(after.usage)).toEqual(buckets(before.usage))
        expect(after.model).toBe('shadow')
        // The provider's names stay behind.
        if (before.model.length > 4) expect(modelsIn(bytes.toString())).toEqual(new Set(['shadow']))
      })

      test.each(whole)('whole, and the same streamed: $id', (recording) => {
        const before = provider.decodeResponse(recording.response.json!)
        if (['other', 'pause', 'malformed-tool-call'].includes(before.choices[0]!.finish.reason)) return
        const encoded = client.encodeResponse(before, options)
        if (before.model.length > 4) expect(modelsIn(JSON.stringify(encoded))).toEqual(new Set(['shadow']))
        const after = client.decodeResponse(encoded)
        expect(essence(after)).toEqual(essence(before))
        if (before.usage) expect(buckets(after.usage)).toEqual(buckets(before.usage))
        const streamed = answerOf(decodeStream(client, [Buffer.from(encode(client, unfold(before)))]))
        expect(essence(streamed)).toEqual(essence(after))
        if (before.usage) expect(buckets(streamed.usage)).toEqual(buckets(after.usage))
      })
    })
  }
})

const modelsIn = (bytes: string): Set<string> =>
  new Set(Array.from(bytes.matchAll(/"model":"([^"]*)"/g), ([, model]) => model!))
