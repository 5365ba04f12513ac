import { createHash, createHmac, createVerify, type KeyObject } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EventStreamCodec } from '@smithy/core/event-streams'

/** What one call brought, read before it is answered. */
export interface CloudCall {
  readonly method: string
  /** Path and query as they came. */
  readonly target: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  /** The body as JSON, where it is. */
  readonly json: Record<string, unknown>
}

export interface MockCloud {
  readonly url: string
  readonly calls: CloudCall[]
  close(): Promise<void>
}

/** An HTTP server on loopback that remembers its calls. */
export const startCloud = async (answer: (call: CloudCall, response: ServerResponse) => void): Promise<MockCloud> => {
  const calls: CloudCall[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const { method = '', url: target = '', headers } = request
      const call = { method, target, headers, body, json: parse(body) }
      calls.push(call)
      answer(call, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(() => resolve()))),
  }
}

const parse = (body: Buffer): Record<string, unknown> => {
  try {
    return JSON.parse(body.toString('utf8')) as Record<string, unknown>
  } catch {
    return {}
  }
}

export const sendJson = (response: ServerResponse, status: number, value: unknown, headers: object = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
}

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest()

/**
 * Why AWS would refuse the signature of a call, or null: Signature Version 4 recomputed step by step from the bytes that arrived, as AWS's documentation describes it
 * ("Create a signed AWS API request"), without the library that signed.
 */
export const signatureProblem = (
  call: CloudCall,
  expected: {
    readonly keyId: string
    readonly secret: string
    readonly region: string
    readonly service: string
    readonly token?: string
  },
): string | null => {
  const match = /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
    call.headers.authorization ?? '',
  )
  if (!match) return 'there is no signature'
  const [, credential, signedHeaders, signature] = match as unknown as [string, string, string, string]
  const [keyId, date, region, service, last] = credential.split('/')
  if (keyId !== expected.keyId || region !== expected.region || service !== expected.service || last !== 'aws4_request')
    return `the scope is ${credential}`
  const names = signedHeaders.split(';')
  for (const needed of ['host', 'x-amz-date', 'content-type'])
    if (!names.includes(needed)) return `${needed} is not signed`
  if ((call.headers['x-amz-security-token'] ?? undefined) !== expected.token) return 'the session token is wrong'
  const [path = '', query = ''] = call.target.split('?')
  const canonical = [
    call.method,
    path.split('/').map(encodeURIComponent).join('/'),
    query.split('&').toSorted().join('&'),
    ...names.map((name) => `${name}:${String(call.headers[name]).trim().replaceAll(/\s+/g, ' ')}`),
    '',
    signedHeaders,
    sha256(call.body),
  ].join('\n')
  const stamp = String(call.headers['x-amz-date'])
  const toSign = ['AWS4-HMAC-SHA256', stamp, `${date}/${region}/${service}/aws4_request`, sha256(canonical)].join('\n')
  const key = [region, service, 'aws4_request'].reduce(
    hmac as (key: Buffer, part: string) => Buffer,
    hmac(`AWS4${expected.secret}`, date!),
  )
  return hmac(key, toSign).toString('hex') === signature ? null : 'the signature does not match'
}

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
)

/** One message of AWS's event stream, written by AWS's own codec. */
export const awsMessage = (type: string, value: object, kind: 'event' | 'exception' = 'event'): Buffer => {
  const header = (text: string) => ({ type: 'string' as const, value: text })
  const headers = {
    ':message-type': header(kind),
    [`:${kind}-type`]: header(type),
    ':content-type': header('application/json'),
  }
  return Buffer.from(codec.encode({ headers, body: Buffer.from(JSON.stringify(value)) }))
}

/** A model's own event as InvokeModelWithResponseStream wraps it. */
export const awsChunk = (value: object): Buffer =>
  awsMessage('chunk', { bytes: Buffer.from(JSON.stringify(value)).toString('base64'), p: 'abcdefg' })

/** The claims of a signed assertion (RFC 7523), or why it is refused. */
export const assertionOf = (body: Buffer, key: KeyObject): Record<string, unknown> | string => {
  const form = new URLSearchParams(body.toString('utf8'))
  if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') return 'wrong grant'
  const [header = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.')
  const verified = createVerify('RSA-SHA256').update(`${header}.${claims}`).verify(key, signature, 'base64url')
  if (!verified) return 'wrong signature'
  return JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as Record<string, unknown>
}
