import type { FastifyInstance, FastifyRequest } from 'fastify'
import { GatewayError } from '../../core/kernel/errors.ts'
import { scanObject } from '../../core/protocols/json-scan.ts'

const jsonInUtf8 = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i

/** One kind of body: a JSON object in UTF-8, without content coding, without a key twice, not too deep. An empty body is an empty object. */
export const acceptStrictJson = (server: FastifyInstance): void => {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      const { 'content-type': type = '', 'content-encoding': coding } = request.headers
      if (!jsonInUtf8.test(type) || (coding !== undefined && coding !== 'identity')) {
        throw new GatewayError('unsupported_media_type')
      }
      if (body.length === 0) return {}
      const { open } = scanObject(body)
      // From the brace on: the parser does not know a byte order mark.
      return JSON.parse(body.toString('utf8', open)) as unknown
    },
  )
}
