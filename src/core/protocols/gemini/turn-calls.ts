import { hash } from 'node:crypto'
import type { JsonObject, JsonValue } from '../neutral/index.ts'
import { isObject } from '../read.ts'
import { items } from './read.ts'

/** The id of a call that came without one: made of its place in the conversation, which stays as the conversation grows. */
export const placeId = (path: string): string => `call_${hash('sha256', path, 'hex').slice(0, 24)}`

interface Call {
  readonly id: string
  readonly name: string
  /** The client gave the id. */
  readonly named: boolean
}

interface Turn {
  readonly calls: Call[]
  readonly results: JsonObject[]
  answered: boolean
}

/**
 * The id of every call and of the call that every result answers, by the value of `functionCall` or `functionResponse`. Most clients send neither with an id: then
 * name and order tell. A result that answers nothing is not in it.
 */
export const pairCalls = (contents: JsonValue | undefined): ReadonlyMap<JsonObject, string> => {
  const ids = new Map<JsonObject, string>()
  let turn: Turn = { calls: [], results: [], answered: false }
  for (const [content, path] of items(contents, 'contents')) {
    if (!isObject(content)) continue
    const isModel = content['role'] === 'model'
    if (isModel && turn.answered) {
      pairTurn(turn, ids)
      turn = { calls: [], results: [], answered: false }
    }
    turn.answered = !isModel
    for (const [part, at] of items(content['parts'], `${path}.parts`)) {
      if (!isObject(part)) continue
      const { functionCall: call, functionResponse: result } = part
      if (isModel && isObject(call)) addCall(turn, call, at, ids)
      else if (!isModel && isObject(result)) turn.results.push(result)
    }
  }
  pairTurn(turn, ids)
  return ids
}

const text = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')

const addCall = (turn: Turn, call: JsonObject, path: string, ids: Map<JsonObject, string>): void => {
  const given = text(call['id'])
  const made = { id: given || placeId(path), name: text(call['name']), named: given !== '' }
  turn.calls.push(made)
  ids.set(call, made.id)
}

/** Ids first. What is left goes by name, in order; a result whose id nobody gave can only answer a call that has none. */
const pairTurn = ({ calls, results }: Turn, ids: Map<JsonObject, string>): void => {
  const open = new Set(calls)
  const named = new Map(calls.filter((call) => call.named).map((call) => [call.id, call]))
  const left = results.filter((result) => {
    const call = named.get(text(result['id']))
    if (!call) return true
    open.delete(call)
    ids.set(result, call.id)
    return false
  })
  if (left.length === 0) return
  const all = queues([...open])
  const nameless = queues([...open].filter((call) => !call.named))
  for (const result of left) {
    const queue = (text(result['id']) === '' ? all : nameless).get(text(result['name']))
    let call = queue?.pop()
    while (call && !open.delete(call)) call = queue?.pop()
    if (call) ids.set(result, call.id)
  }
}

/** Calls by name, the first of each last. */
const queues = (calls: readonly Call[]): ReadonlyMap<string, Call[]> =>
  Map.groupBy(calls.toReversed(), ({ name }) => name)
