import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

/**
 * Loaded into a candidate with `--import`: watches how late the loop of its serving thread is, without the candidate knowing. Whoever connects to the socket gets the
 * delays since the last time, in milliseconds.
 */
const path = process.env['BENCH_LOOP_DELAY']
if (isMainThread && path !== undefined) {
  const resolution = 1
  const histogram = monitorEventLoopDelay({ resolution })
  histogram.enable()
  rmSync(path, { force: true })
  // What is recorded is the time between two ticks of a timer: the delay is what exceeds its interval.
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - resolution)
  createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.end(
      JSON.stringify({
        p50: late(histogram.percentile(50)),
        p99: late(histogram.percentile(99)),
        max: late(histogram.max),
      }),
    )
    histogram.reset()
  })
    .listen(path)
    .unref()
}
