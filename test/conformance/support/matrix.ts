import type { NeutralResponse, ProtocolId } from '../../../src/core/protocols/neutral/index.ts'
import { protocols, providerProtocols } from '../../../src/core/protocols/index.ts'
import { isStream, readRecordings, type Recording } from '../../support/recordings.ts'
import {
  answerArrives,
  bytesStay,
  type Crossing,
  cutIsError,
  endsUnusually,
  recordedAnswer,
  stateReturns,
  statesIn,
  wholeIsStream,
} from './answers.ts'
import { exceptionFor, type Guarantee } from './exceptions.ts'
import { errorArrives, failureArrives } from './failures.ts'
import { type AnswerFeature, featuresOfAnswer, featuresOfRequest, type RequestFeature } from './features.ts'
import { pairs } from './pairs.ts'
import { requestArrives, sentRequests } from './requests.ts'

/** One recording on one way, and what of it was lost. */
export interface Result {
  readonly client: ProtocolId
  readonly provider: ProtocolId
  /** Of the recording. */
  readonly id: string
  /** Who answered, as the recording names it. */
  readonly vendor: string
  readonly guarantee: Guarantee
  readonly features: readonly (AnswerFeature | RequestFeature)[]
  readonly problems: readonly string[]
  /** The client's path of what the provider's protocol cannot say. */
  readonly refused?: string
}

interface Read {
  readonly recording: Recording
  readonly answer: NeutralResponse | undefined
}

const isError = ({ response }: Recording): boolean => response.status >= 400

/** Runs every recording through every pair of protocols. */
export const runMatrix = (): Result[] => {
  const read = new Map<ProtocolId, readonly Read[]>(
    providerProtocols.map((provider) => [
      provider.id,
      readRecordings(provider.id).map((recording) => ({ recording, answer: recordedAnswer(provider, recording) })),
    ]),
  )
  const crossed = pairs.flatMap(({ client, provider }) =>
    read.get(provider.id)!.flatMap(({ recording, answer }) => answerResults({ client, provider, recording }, answer)),
  )
  const straight = protocols.flatMap((client) =>
    read
      .get(client.id)!
      .filter(({ answer }) => answer)
      .map(({ recording, answer }): Result => ({
        client: client.id,
        provider: client.id,
        id: recording.id,
        vendor: recording.provider,
        guarantee: 'bytes',
        features: featuresOfAnswer(answer!),
        problems: bytesStay(client, recording),
      })),
  )
  return [...crossed, ...straight, ...requestResults()]
}

const answerResults = (crossing: Crossing, answer: NeutralResponse | undefined): Result[] => {
  const { client, provider, recording } = crossing
  const base = { client: client.id, provider: provider.id, id: recording.id, vendor: recording.provider }
  const one = (
    guarantee: Guarantee,
    features: Result['features'],
    problems: readonly string[] | undefined,
  ): Result[] => (problems ? [{ ...base, guarantee, features, problems }] : [])
  if (isError(recording)) return one('error', ['errors'], errorArrives(crossing))
  if (!answer) return isStream(recording) ? one('failure', ['mid-stream failures'], failureArrives(crossing)) : []
  const features = featuresOfAnswer(answer).filter((feature) => feature !== 'sealed state')
  const carriesState = statesIn(answer).length > 0 && !endsUnusually(answer)
  return [
    ...one('answer', features, answerArrives(crossing)?.problems),
    ...one('whole is stream', [], wholeIsStream(crossing)),
    ...(carriesState ? one('state', ['sealed state'], stateReturns(crossing)) : []),
    ...(isStream(recording) ? one('cut', ['mid-stream failures'], cutIsError(crossing)) : []),
  ]
}

const requestResults = (): Result[] =>
  pairs.flatMap(({ client, provider }) =>
    sentRequests(client).map((sent): Result => {
      const arrived = requestArrives(client, provider, sent)
      const base = { client: client.id, provider: provider.id, id: sent.id, vendor: '', guarantee: 'request' } as const
      let features: RequestFeature[] = ['text']
      try {
        features = featuresOfRequest(client.decodeRequest(sent.body, sent.place))
      } catch {
        // Refused by its own protocol: the reason is in the result.
      }
      return 'refused' in arrived
        ? { ...base, features, problems: [], refused: arrived.refused.param }
        : { ...base, features, problems: arrived.problems }
    }),
  )

/** Whom an exception names on the other side of a recording: its client, or for requests its provider. */
export const otherSide = ({ guarantee, client, provider }: Result): ProtocolId =>
  guarantee === 'request' ? provider : client

export const exceptionOf = (result: Result) => exceptionFor(result.guarantee, result.id, otherSide(result))
