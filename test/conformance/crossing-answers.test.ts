import { describe, expect, test } from 'vitest'
import { protocols, providerProtocols } from '../../src/core/protocols/index.ts'
import { isStream, readRecordings, recordingsPresent } from '../support/recordings.ts'
import {
  answerArrives,
  bytesStay,
  cutIsError,
  endsUnusually,
  recordedAnswer,
  stateReturns,
  statesIn,
  wholeIsStream,
} from './support/answers.ts'
import { exceptionFor, type Guarantee } from './support/exceptions.ts'
import { pairs } from './support/pairs.ts'

const recordings = new Map(
  providerProtocols.map((provider) => [
    provider.id,
    readRecordings(provider.id)
      .filter(({ response }) => response.status === 200)
      .map((recording) => ({ id: recording.id, recording, answer: recordedAnswer(provider, recording) })),
  ]),
)
const answersOf = (id: string) => (recordings.get(id as never) ?? []).filter(({ answer }) => answer !== undefined)

/** Nothing is lost, or exactly where the table of exceptions says so: an exception that is none any more fails too. */
const expectNone = (guarantee: Guarantee, id: string, client: string, problems: readonly string[]): void => {
  const exception = exceptionFor(guarantee, id, client)
  if (exception) expect(problems, `no exception any more: ${exception.reason}`).not.toEqual([])
  else expect(problems).toEqual([])
}

describe.skipIf(!recordingsPresent)('recorded answers reach every client (skipped where they are absent)', () => {
  describe.each(pairs)('$name', ({ client, provider }) => {
    const answers = answersOf(provider.id)

    test.each(answers)('words, calls, end and usage arrive, however the bytes are cut: $id', ({ id, recording }) => {
      const arrived = answerArrives({ client, provider, recording })
      expectNone('answer', id, client.id, arrived?.problems ?? [])
    })

    test.each(answers)('a whole answer and the stream of it are one: $id', ({ id, recording }) => {
      expectNone('whole is stream', id, client.id, wholeIsStream({ client, provider, recording }))
    })

    const signed = answers.filter(({ answer }) => statesIn(answer!).length > 0 && !endsUnusually(answer!))
    test.each(signed)('its reasoning state returns unchanged: $id', ({ id, recording }) => {
      expectNone('state', id, client.id, stateReturns({ client, provider, recording }) ?? [])
    })

    const streams = answers.filter(({ recording }) => isStream(recording))
    test.each(streams)('cut off, it is an error and no end: $id', ({ id, recording }) => {
      expectNone('cut', id, client.id, cutIsError({ client, provider, recording }))
    })
  })

  describe.each(protocols.map((client) => ({ name: client.id, client })))('$name on both sides', ({ client }) => {
    test.each(recordings.get(client.id)!)('not a byte changes but the name of the model: $id', ({ id, recording }) => {
      expectNone('bytes', id, client.id, bytesStay(client, recording))
    })
  })
})
