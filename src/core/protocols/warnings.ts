import { GatewayError } from '../kernel/errors.ts'
import { partFieldName } from './client-fields.ts'
import type { Extensions, JsonValue, ProtocolId, ThinkingPart, Warning } from './neutral/index.ts'

/** Refuses what a protocol cannot say and what would change the answer's meaning if it were left out. `api` names it for people: "the Responses API". */
export const refusalsFor =
  (api: string) =>
  (path: string, why: string): never => {
    throw new GatewayError(
      'unsupported_parameter',
      `${path}: ${why} (the model behind this name is called over ${api}).`,
      { param: path },
    )
  }

/** Fields that say nothing: answers hold them, so clients send them back (`annotations: []`). */
export const saysNothing = (value: JsonValue): boolean =>
  value === null || value === '' || (Array.isArray(value) && value.length === 0)

/** Collects what is dropped or changed on purpose on the way to `target`, each once. */
export class CrossingWarnings {
  readonly list: Warning[] = []
  readonly #target: ProtocolId
  readonly #api: string
  readonly #client: ProtocolId
  readonly #told = new Set<string>()

  constructor(target: ProtocolId, api: string, client: ProtocolId) {
    this.#target = target
    this.#api = api
    this.#client = client
  }

  dropped(path: string, reason: string): void {
    this.#add({ path, action: 'dropped', reason })
  }
  changed(path: string, reason: string): void {
    this.#add({ path, action: 'changed', reason })
  }
  #add(warning: Warning): void {
    const key = `${warning.action} ${warning.path}`
    if (this.#told.has(key)) return
    this.#told.add(key)
    this.list.push(warning)
  }
  /** As `dropped`, for a field of the part at `path`, by the name that the client has for it. */
  droppedOf(path: string, field: Parameters<typeof partFieldName>[1], reason: string): void {
    this.dropped(`${path}.${partFieldName(this.#client, field)}`, reason)
  }
  /** Reasoning that is left out. Only its state is missed: unsigned text is shown to people, and no provider reads it again. */
  reasoning({ signature, redacted }: ThinkingPart, path: string, reason: string): void {
    if (signature || redacted) this.dropped(path, reason)
  }
  /** Fields only another protocol knows, on a part, message or tool. */
  extensions(path: string, extensions: Extensions | undefined): void {
    for (const [protocol, fields] of Object.entries(extensions ?? {})) {
      // A block that is kept whole (search results) crosses as its text, and that is told.
      if (protocol === this.#target || typeof fields['type'] === 'string') continue
      for (const [field, value] of Object.entries(fields))
        if (!saysNothing(value)) this.dropped(`${path}.${field}`, `unknown to ${this.#api}`)
    }
  }
}
