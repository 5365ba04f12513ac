import { open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { GatewayError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'

/** A temporary file for an upload whose fields come behind its file. It has no name any more, so that nothing of it outlives the process. */
export interface Spool {
  readonly length: number
  append(bytes: Buffer): Promise<void>
  read(from: number, to: number): AsyncGenerator<Buffer>
  close(): Promise<void>
}

const readSize = 64 * 1024

/** Makes temporary files in one directory, so many at a time and no more: whoever has a key could fill a disk with uploads that never end. */
export interface Spools {
  /** Throws `overloaded` when there are as many as may be, `storage_unavailable` when the file cannot be made or written. */
  open(now: number): Promise<Spool>
}

export const createSpools = (dir: string, most = 64): Spools => {
  let count = 0
  return {
    async open(now) {
      if (count >= most)
        throw new GatewayError(
          'overloaded',
          'Too many uploads wait for their model. Put the field "model" in front of the file.',
        )
      count++
      try {
        return await openSpool(dir, now, () => count--)
      } catch (error) {
        count--
        throw error
      }
    },
  }
}

const openSpool = async (dir: string, now: number, closed: () => void): Promise<Spool> => {
  const path = join(dir, `.upload-${newId('request', now)}`)
  const failed = (cause: unknown): GatewayError =>
    new GatewayError('storage_unavailable', 'The upload cannot be kept on the disk of this gateway.', {}, { cause })
  const handle = await open(path, 'wx+', 0o600).catch((cause: unknown) => {
    throw failed(cause)
  })
  await unlink(path).catch(() => {})
  let length = 0
  let isOpen = true
  return {
    get length() {
      return length
    },
    async append(bytes) {
      let at = 0
      while (at < bytes.length) {
        const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, length).catch((cause: unknown) => {
          throw failed(cause)
        })
        at += bytesWritten
        length += bytesWritten
      }
    },
    async *read(from, to) {
      let at = from
      while (at < to) {
        const buffer = Buffer.allocUnsafe(Math.min(readSize, to - at))
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, at)
        if (bytesRead === 0) throw failed(new Error('the file is shorter than what was written'))
        at += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
    },
    async close() {
      if (!isOpen) return
      isOpen = false
      closed()
      await handle.close()
    },
  }
}
