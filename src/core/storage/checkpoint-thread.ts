import { parentPort, workerData } from 'node:worker_threads'
import { openConnection } from './connection.ts'
import type { CheckpointMessage, CheckpointThreadOptions } from './checkpointer.ts'
import { isFatalCode, sqliteCode } from './sqlite-errors.ts'
import { toThreadError } from './thread-errors.ts'
import { moveLog } from './move-log.ts'

/** The checkpoint thread: moves logs into their databases over connections of its own, so that the writer does not wait for the disk meanwhile. */
const port = parentPort!
const { files, busyMs, leastBytes } = workerData as CheckpointThreadOptions
const databases = files.map((file) => openConnection(file, { busyMs }))

const look = (index: number): CheckpointMessage => {
  try {
    return { index, state: moveLog(databases[index]!, leastBytes) }
  } catch (error) {
    // A full disk or a lock: the log keeps everything, the next round tries again.
    const code = sqliteCode(error)
    return code === null || isFatalCode(code) ? { index, error: toThreadError(error) } : { index, state: null }
  }
}

port.on('message', (index: number) => port.postMessage(look(index)))
