import { GatewayError } from '../kernel/errors.ts'
import type { Extensions, ProtocolId, Warning } from './neutral/index.ts'

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

/** Collects what is dropped or changed on purpose on the way to `target`. */
export class CrossingWarnings {
  readonly list: Warning[] = []
  readonly #target: ProtocolId
  readonly #api: string

  constructor(target: ProtocolId, api: string) {
    this.#target = target
    this.#api = api
  }

  dropped(path: string, reason: string): void {
    this.list.push({ path, action: 'dropped', reason })
  }
  changed(path: string, reason: string): void {
    this.list.push({ path, action: 'changed', reason })
  }
  /** Fields only another protocol knows, on a part, message or tool. */
  extensions(path: string, extensions: Extensions | undefined): void {
    for (const [protocol, fields] of Object.entries(extensions ?? {})) {
      if (protocol === this.#target) continue
      for (const field of Object.keys(fields)) this.dropped(`${path}.${field}`, `unknown to ${this.#api}`)
    }
  }
}
