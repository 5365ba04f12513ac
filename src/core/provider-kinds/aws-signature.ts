import { createHash, createHmac } from 'node:crypto'
import type { ProviderKind } from './provider-kind.ts'

/** Node's SHA-256 as the signer wants it. A class, because it calls `new`. */
class Sha256 {
  readonly #hash

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data))
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {
    throw new Error('a hash is used once')
  }
}

const bytesOf = (data: string | ArrayBuffer | ArrayBufferView): Uint8Array => {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)
}

/** `ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]`; undefined for a bearer key, which has no colon. */
const readSecret = (secret: string) => {
  if (!secret.includes(':')) return undefined
  const [accessKeyId, secretAccessKey, ...token] = secret.split(':')
  if (!accessKeyId || !secretAccessKey)
    throw new Error('The key must be ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN] or an API key without a colon.')
  const sessionToken = token.join(':')
  return { accessKeyId, secretAccessKey, ...(sessionToken !== '' && { sessionToken }) }
}

/** For secrets that are saved: one line, and both parts where it has a colon. Throws a sentence for the operator. */
export const readAwsSecret = (text: string): string => {
  const secret = text.trim()
  if (!/^[\x21-\x7e]+$/.test(secret)) throw new Error('The key must be one line without blanks.')
  readSecret(secret)
  return secret
}

/** AWS names the region behind the service: `bedrock-runtime.us-east-1.amazonaws.com`, also in names of VPC endpoints. */
const regionOf = (host: string, service: string): string | undefined =>
  new RegExp(`(?:^|\\.)${service}(?:-[a-z-]+)?\\.([a-z]{2,}(?:-[a-z]+)+-\\d+)\\.`).exec(host)?.[1]

/** Signature Version 4 over the whole request, by AWS's own library. Nothing is added for secrets that are bearer keys. */
export const signAws =
  (service: string): NonNullable<ProviderKind['sign']> =>
  async ({ method, url, headers, body, secret, settings, now }) => {
    const credentials = readSecret(secret)
    if (!credentials) return {}
    const region = regionOf(url.hostname, service) ?? settings['region']
    if (region === undefined)
      throw new Error('The region cannot be told from the base URL. Set it: --set region=us-east-1')
    const { SignatureV4 } = await import('@smithy/signature-v4')
    const signer = new SignatureV4({ service, region, credentials, sha256: Sha256 })
    const signed = await signer.sign(
      {
        method,
        protocol: url.protocol,
        hostname: url.hostname,
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: { ...headers, host: url.host },
        body,
      },
      { signingDate: new Date(now) },
    )
    const added: Record<string, string> = {}
    for (const [name, value] of Object.entries(signed.headers))
      if (name !== 'host' && headers[name] !== value) added[name] = value
    return added
  }
