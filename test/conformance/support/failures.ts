import { fromProvider } from '../../../src/core/exchange/failure.ts'
import type { Protocol } from '../../../src/core/protocols/protocol.ts'
import { decodeStream, streamBytes } from '../../support/recordings.ts'
import type { Crossing } from './answers.ts'
import { type Asked } from './asked.ts'
import { carry, kindFor, realRoad } from './roads.ts'

/** Any question of a client of this protocol. */
export const anyQuestion = (client: Protocol, stream: boolean): Asked => {
  const { body } = client.encodeRequest(
    {
      protocol: client.id,
      model: 'shadow',
      stream,
      includeUsage: true,
      system: [],
      messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello.' }] }],
      tools: [],
    },
    { model: 'shadow', defaultMaxTokens: 100 },
  )
  return { body, place: { model: 'shadow', stream } }
}

/** A provider's refusal is the client's own error: of the same kind, and never a 401, which would be about its own key. */
export const errorArrives = ({ client, provider, recording }: Crossing): string[] => {
  const { status, headers = {}, json, text } = recording.response
  const road = realRoad(client, anyQuestion(client, false), { provider, kind: kindFor(recording.provider, provider) })
  const failure = road.decodeError(status, (name) => headers[name], Buffer.from(text ?? JSON.stringify(json)))
  const error = fromProvider(failure, { shadow: 'shadow', real: 'real', secrets: [] })
  const rendered = client.renderError(error, 'req_1')
  const problems: string[] = []
  if (rendered.status === 401 || rendered.status === 403) problems.push(`status ${rendered.status}`)
  const told = client.decodeError(rendered.status, () => undefined, Buffer.from(JSON.stringify(rendered.body)))
  // That a prompt is too long or was blocked is told by some protocols in words only.
  const mistakes = ['client', 'context-length', 'content-filter']
  const own = mistakes.includes(failure.class)
  if (own && !mistakes.includes(told.class)) problems.push(`${failure.class} became ${told.class}`)
  if (own && told.message === '') problems.push('it says nothing')
  if (!own && rendered.status < 429) problems.push(`${failure.class} became status ${rendered.status}`)
  return problems
}

/** A recorded stream that tells a failure, or ends without its mark: the client gets the error of its protocol and no finish. */
export const failureArrives = ({ client, provider, recording }: Crossing): string[] => {
  const road = realRoad(client, anyQuestion(client, true), { provider, kind: kindFor(recording.provider, provider) })
  const { bytes, failed } = carry(client, road.stream(), [streamBytes(recording)])
  if (!failed) return ['it looks finished']
  const events = decodeStream(client, [bytes])
  const problems: string[] = []
  if (!events.some(({ type }) => type === 'error')) problems.push('no error is told')
  if (events.some(({ type }) => type === 'finish')) problems.push('a finish is told')
  return problems
}
