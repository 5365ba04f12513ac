import { GatewayError } from '../../kernel/errors.ts'

/** What is read of the lines in front of a part. They pass to the provider as they came. */
export interface PartHead {
  readonly name: string
  /** Only files have one. */
  readonly fileName?: string
}

const maxName = 200
const maxFileName = 255
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const unsafeName = /[\u0000-\u001f\u007f/\\]/

export const badUpload = (why: string): GatewayError => new GatewayError('invalid_request', `The multipart body ${why}`)

/** RFC 7578, 4.2: one `Content-Disposition: form-data` with a name. Throws `invalid_request` for anything else. */
export const readPartHead = (head: Buffer): PartHead => {
  let disposition: string | undefined
  for (const line of head.toString('utf8').split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon < 1) throw badUpload('has a part with a line that is no header.')
    const header = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (header === 'content-type' && value.toLowerCase().startsWith('multipart/'))
      throw badUpload('has a part that is multipart itself.')
    if (header !== 'content-disposition') continue
    if (disposition !== undefined) throw badUpload('has a part with two Content-Disposition headers.')
    disposition = value
  }
  if (disposition === undefined || !/^form-data\s*;/i.test(disposition))
    throw badUpload('has a part without "Content-Disposition: form-data".')
  const name = parameter(disposition, 'name')
  if (name === undefined || name === '' || name.length > maxName) throw badUpload('has a part without a name.')
  const fileName = parameter(disposition, 'filename') ?? parameter(disposition, 'filename*')
  if (fileName === undefined) return { name }
  if (fileName.length > maxFileName || unsafeName.test(fileName))
    throw badUpload('has a file name that is too long, or that holds slashes or control characters.')
  return { name, fileName }
}

const parameter = (disposition: string, wanted: string): string | undefined => {
  for (const [, name, quoted, plain] of disposition.matchAll(/;\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/g))
    if (name?.toLowerCase() === wanted) return quoted?.replaceAll(/\\(["\\])/g, '$1') ?? plain
  return undefined
}
