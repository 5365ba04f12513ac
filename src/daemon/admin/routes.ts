import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import { GatewayError } from '../../core/kernel/errors.ts'
import type { Actor, Operation } from '../../core/kernel/operation.ts'
import { programVersion } from '../../core/kernel/version.ts'
import { operations, runOperation } from '../../core/operations.ts'
import type { AdminApp } from '../../core/operations.ts'
import type { Authenticate } from './authenticate.ts'
import { sendProblem } from './problem.ts'
import { createRestInput, inputSchemaOf, outputSchemaOf } from './rest-input.ts'

const prefix = '/api/admin'
const methods: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

type Handler = (request: FastifyRequest, reply: FastifyReply, actor: Actor) => Promise<unknown>

interface Route {
  readonly method: Operation['method']
  readonly path: string
  readonly handler: Handler
}

/** Every operation twice: as its REST route, and as `POST /api/admin/operations/<id>` with the whole input as JSON. */
export const mountRoutes = (server: FastifyInstance, app: AdminApp, authenticate: Authenticate): void => {
  const run = (request: FastifyRequest, actor: Actor, operation: string, input: unknown): Promise<unknown> =>
    runOperation(app, actor, operation, input, {
      requestId: request.id,
      idempotencyKey: idempotencyKeyOf(request),
      requireIdempotencyKey: true,
    })

  const routes: Route[] = operations.map((operation) => {
    const inputOf = createRestInput(operation)
    return {
      method: operation.method,
      path: prefix + operation.path,
      handler: async (request, reply, actor) => {
        const output = await run(request, actor, operation.id, inputOf(request))
        if (/\.(create|add)$/.test(operation.id)) reply.code(201)
        return output
      },
    }
  })
  routes.push(
    {
      method: 'POST',
      path: `${prefix}/operations/:operation`,
      handler: (request, _reply, actor) => {
        const { operation } = request.params as { readonly operation: string }
        return run(request, actor, operation, request.body ?? {})
      },
    },
    { method: 'GET', path: `${prefix}/operations`, handler: async () => describeOperations() },
    {
      method: 'GET',
      path: '/api/system/info',
      handler: async () => ({ name: 'tollgate', version: programVersion, node: process.version }),
    },
  )

  const actors = new WeakMap<FastifyRequest, Actor>()
  for (const { method, path, handler } of routes) {
    server.route({
      method,
      url: path,
      // Before the body is read: a stranger sends us nothing.
      onRequest: async (request, reply) => {
        actors.set(request, await authenticate(request))
        reply.header('x-gateway-version', programVersion)
        assertSameVersion(request)
      },
      handler: async (request, reply) => {
        const output = await handler(request, reply, actors.get(request)!)
        return reply.type('application/json; charset=utf-8').send(JSON.stringify(output))
      },
    })
  }
  refuseOtherMethods(server, routes)
}

/** A path that exists under another method is 405, not 404. */
const refuseOtherMethods = (server: FastifyInstance, routes: readonly Route[]): void => {
  const byPattern = Map.groupBy(routes, ({ path }) => path.replace(/:[a-z_]+/g, ':_'))
  for (const [pattern, known] of byPattern) {
    const allowed = known.map(({ method }) => method)
    server.route({
      method: methods.filter((method) => !allowed.some((one) => one === method)),
      url: known[0]?.path ?? pattern,
      handler: (_request, reply) =>
        sendProblem(reply.header('allow', allowed.join(', ')), new GatewayError('method_not_allowed')),
    })
  }
}

const idempotencyKeyOf = ({ headers }: FastifyRequest): string | undefined => {
  const key = headers['idempotency-key']
  return Array.isArray(key) ? key.join(', ') : key
}

/** A client of another version would be answered in words it may misread: it is refused before anything happens. */
const assertSameVersion = ({ headers }: FastifyRequest): void => {
  const version = headers['x-gateway-version']
  if (version === undefined || version === programVersion) return
  throw new GatewayError('version_mismatch', `This gateway runs version ${programVersion}.`, {
    hint: 'Use the command of the same version, or restart the daemon after an upgrade.',
  })
}

const describeOperations = () => ({
  data: operations.map((operation) => ({
    id: operation.id,
    method: operation.method,
    path: prefix + operation.path,
    role: operation.role,
    summary: operation.summary,
    money: operation.money ?? false,
    input: inputSchemaOf(operation),
    output: outputSchemaOf(operation),
  })),
  next_cursor: null,
})
