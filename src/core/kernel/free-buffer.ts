const worthwhile = 16 * 1024

/**
 * Gives a large buffer's memory back at once instead of at the next full collection, which large bodies would otherwise bring on many times a second. The buffer is
 * empty afterwards: only its single owner may call this, and never for bytes that a socket may still have to write. Small buffers and parts of larger ones are left.
 */
export const freeBuffer = (bytes: Buffer): void => {
  const { buffer } = bytes
  if (bytes.length < worthwhile || bytes.length !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return
  buffer.transfer(0)
}
