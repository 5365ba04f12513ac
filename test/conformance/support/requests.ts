import { GatewayError } from '../../../src/core/kernel/errors.ts'
import type { JsonObject, JsonValue, NeutralRequest } from '../../../src/core/protocols/neutral/index.ts'
import { protocols } from '../../../src/core/protocols/index.ts'
import type { Place, Protocol, ProviderProtocol } from '../../../src/core/protocols/protocol.ts'
import { placeOf, readClientRequests, readRecordings } from '../../support/recordings.ts'
import { crossingRoad } from './roads.ts'
import { changed, unsaid } from './said.ts'

/** A body that a real client sent. */
export interface Sent {
  readonly id: string
  readonly body: JsonObject
  readonly place: Place
  /** Its own provider refused it too. */
  readonly wrong: boolean
}

/** From both collections. Shortened recordings hold "ELIDED" where an image was. */
export const sentRequests = (client: Protocol): Sent[] =>
  [...readClientRequests(client.id), ...readRecordings(client.id)].flatMap((recorded) => {
    const { id, request } = recorded
    const wrong = 'response' in recorded && recorded.response.status === 400
    if (!request?.json) return []
    const body = JSON.parse(JSON.stringify(request.json).replaceAll(/ELIDED[^"]*"/g, 'RUxJREVE"')) as JsonObject
    return [{ id, body, place: placeOf(request.path), wrong }]
  })

export interface Refused {
  readonly param: string
  readonly code: string
  readonly message: string
}

export type Crossed = { readonly refused: Refused } | { readonly problems: readonly string[] }

/** A request reaches the provider and says the same there, or it is refused with its place in the client's own body. */
export const requestArrives = (
  client: Protocol,
  provider: ProviderProtocol,
  { body, place }: Omit<Sent, 'id' | 'wrong'>,
): Crossed => {
  let neutral: NeutralRequest
  let road: ReturnType<typeof crossingRoad>
  try {
    neutral = client.decodeRequest(body, place)
    road = crossingRoad(client, { body, place }, { provider })
  } catch (error) {
    if (!(error instanceof GatewayError)) return { problems: [`it fails: ${String(error)}`] }
    const { code, message, details } = error
    const refused = { code, message, param: details.param ?? '' }
    const problems = refusalProblems(refused, body)
    return problems.length > 0 ? { problems } : { refused }
  }
  const problems = road.warnings
    .filter(({ path }) => path === '')
    .map(({ reason }) => `a warning without place: ${reason}`)
  const bytes = road.request(undefined).toString()
  // Prompt caches key on bytes: nothing may depend on time, chance or what came before.
  const again = crossingRoad(client, { body, place }, { provider }).request(undefined).toString()
  if (again !== bytes) problems.push('sent again, it is another request')
  const reader = protocols.find(({ id }) => id === provider.id)
  if (!reader) return { problems: [...problems, ...unsaid(neutral, JSON.parse(bytes) as JsonObject)] }
  let arrived: NeutralRequest
  try {
    // The provider's own strict reader takes it.
    arrived = reader.decodeRequest(JSON.parse(bytes) as JsonObject, { model: 'real', stream: neutral.stream })
  } catch (error) {
    return { problems: [...problems, `the provider's own reader refuses it: ${(error as Error).message}`] }
  }
  return {
    problems: [
      ...problems,
      ...changed(
        neutral,
        arrived,
        road.warnings.map(({ path }) => path),
      ),
    ],
  }
}

const refusalProblems = ({ code, param, message }: Refused, body: JsonObject): string[] => {
  const problems: string[] = []
  if (!['unsupported_parameter', 'invalid_request', 'forbidden_field'].includes(code))
    problems.push(`refused as ${code}: ${message}`)
  if (param === '') problems.push(`refused without a place: ${message}`)
  else if (!hasPlace(body, param)) problems.push(`refused at ${param}, which is not in the body: ${message}`)
  return problems
}

/** Whether an object with these members can be found where the path leads: `messages[3].content[1]`. A member may be absent, its parent may not. */
export const hasPlace = (body: JsonObject, path: string): boolean => {
  const parent = path.replace(/\.?[^.[\]]+\]?$/, '')
  return at(body, path) !== undefined || parent === '' || at(body, parent) !== undefined
}

/** Gemini's bodies may have either spelling. */
const at = (body: JsonObject, path: string): JsonValue | undefined => {
  let value: JsonValue | undefined = body
  for (const key of path.split(/[.[\]]+/).filter((name) => name !== '')) {
    const snake = key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    const object: JsonObject | undefined =
      typeof value === 'object' && value !== null ? (value as JsonObject) : undefined
    value = object?.[key] ?? object?.[snake]
  }
  return value
}
