import type { GatewayError } from '../../kernel/errors.ts'
import type { Observed, RawTap } from '../../protocols/protocol.ts'
import type { StreamRoad } from '../endpoint.ts'

/** A stream of what was paid for before: watched for its end and for errors, but its usage is no use of today. */
export class FreeStream implements StreamRoad {
  readonly observed: Observed = { deliveredChars: 0, complete: false }
  readonly #tap: RawTap

  constructor(tap: RawTap) {
    this.#tap = tap
  }

  push(chunk: Buffer): Buffer {
    return this.#watched(this.#tap.push(chunk))
  }

  finish(): Buffer {
    return this.#watched(this.#tap.finish())
  }

  fail(error: GatewayError, requestId: string): string {
    return this.#tap.fail?.(error, requestId) ?? ''
  }

  #watched(out: Buffer): Buffer {
    const { complete, failure } = this.#tap.observed
    this.observed.complete = complete
    if (failure) this.observed.failure = failure
    return out
  }
}
