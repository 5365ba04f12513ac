import { nowUs } from './clock.ts'
import { frameRequest } from './connections.ts'
import type { ConnectionPool } from './connections.ts'
import type { ClosedLoop, LoopResult, OpenLoop } from './load-protocol.ts'
import { Samples } from './stats.ts'

/** As many requests as `connections` of them at a time allow. */
export const runClosedLoop = (
  pool: ConnectionPool,
  { request, connections, warmupMs, durationMs }: ClosedLoop,
): Promise<LoopResult> => {
  const framed = frameRequest(request)
  const samples = new Samples()
  const from = nowUs() + warmupMs * 1000
  const to = from + durationMs * 1000
  let errors = 0
  return new Promise((resolve) => {
    let running = connections
    const stop = (): void => {
      if (--running === 0) resolve({ perSecond: samples.count / (durationMs / 1000), times: samples.times(), errors })
    }
    const next = (): void => {
      const started = nowUs()
      const connection = started < to ? pool.take(connections) : null
      if (!connection) return stop()
      connection.send(framed, (status) => {
        const ended = nowUs()
        pool.give(connection)
        if (ended >= from && ended < to) {
          if (status === 200) samples.add(ended - started)
          else errors++
        }
        // A refusing server must not turn this loop into a spin.
        if (status === 0) setTimeout(next, 20)
        else next()
      })
    }
    for (let i = 0; i < connections; i++) next()
  })
}

export const runOpenLoop = (pool: ConnectionPool, options: OpenLoop): Promise<LoopResult> => {
  const { request, rate, maxConnections, warmupMs, durationMs, spin } = options
  const framed = frameRequest(request)
  const samples = new Samples()
  const from = nowUs() + warmupMs * 1000
  const to = from + durationMs * 1000
  const waiting: number[] = []
  let errors = 0
  let pending = 0
  let due = nowUs()
  return new Promise((resolve) => {
    const send = (intended: number): void => {
      const connection = pool.take(maxConnections)
      if (!connection) {
        waiting.push(intended)
        return
      }
      pending++
      connection.send(framed, (status) => {
        pending--
        pool.give(connection)
        if (intended >= from && intended < to) {
          if (status === 200) samples.add(nowUs() - intended)
          else errors++
        }
        const next = waiting.shift()
        if (next !== undefined) send(next)
      })
    }
    const tick = (): void => {
      const now = nowUs()
      while (due <= now && due < to) {
        send(due)
        due += (-Math.log(1 - Math.random()) / rate) * 1e6
      }
      if (due < to || pending > 0 || waiting.length > 0) {
        // Answers that do not come within ten seconds are what they are: missing.
        if (now < to + 10e6) {
          if (spin) setImmediate(tick)
          else setTimeout(tick, Math.max(0, Math.floor((due - now) / 1000)))
          return
        }
        errors += pending + waiting.length
      }
      resolve({ perSecond: samples.count / (durationMs / 1000), times: samples.times(), errors })
    }
    tick()
  })
}
