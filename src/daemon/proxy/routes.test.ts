import { expect, test } from 'vitest'
import { isGooglePath, isProxyPath, matchRoute, proxyRoutes } from './routes.ts'

const found = (method: string, path: string) => {
  const match = matchRoute(method, path)
  if (!match.found) return match.allow
  const { route, place } = match
  return [route.kind === 'exchange' ? route.endpoint.id : route.kind, place] as const
}

test.each([
  ['/v1/models/gemini-x:generateContent', { model: 'gemini-x' }],
  ['/v1beta/models/gemini-x:streamGenerateContent', { model: 'gemini-x', stream: true }],
  ['/v1alpha/models/gemini-x:generateContent/', { model: 'gemini-x' }],
  ['/v1beta1/models/a/b:c:generateContent', { model: 'a/b:c' }],
  ['/v1beta/models/a%2Fb:streamGenerateContent', { model: 'a/b', stream: true }],
  ['/v1beta/models/models/x:generateContent', { model: 'models/x' }],
  ['/v1beta/tunedModels/x:generateContent', { model: 'x' }],
  ['/api/v1/models/x:generateContent', { model: 'x' }],
  ['/gemini/v1beta/models/x:generateContent', { model: 'x' }],
  ['/v1beta1/publishers/google/models/x:generateContent', { model: 'x' }],
  [
    '/v1/projects/p-1/locations/us-central1/publishers/google/models/a/b:streamGenerateContent',
    { model: 'a/b', stream: true },
  ],
])("Gemini's clients reach %s", (path, place) => {
  expect(found('POST', path)).toEqual(['gemini', place])
  expect(found('GET', path)).not.toMatchObject(['gemini'])
  expect(isProxyPath(path)).toBe(true)
})

test.each([
  '/v1beta/models/:generateContent',
  '/v1beta/models/x:unknown',
  '/v1beta/models/%ZZ:generateContent',
  '/v1beta1/projects/p/q/locations/l/publishers/google/models/x:generateContent',
  '/v1beta1/projects//locations/l/publishers/google/models/x:generateContent',
  '/x/v1beta/models/x:generateContent',
  '/V1beta/models/x:generateContent',
])('%s is no path of Gemini', (path) => {
  expect(found('POST', path)).not.toMatchObject(['gemini'])
})

test('lists of models are told by the path where it is only one protocol’s', () => {
  expect(found('GET', '/v1beta/models')).toEqual(['models', {}])
  expect(found('GET', '/v1beta/models/a/b')).toEqual(['models', { model: 'a/b' }])
  const shapes = Object.fromEntries(
    proxyRoutes.flatMap(({ path, route }) => (route.kind === 'models' ? [[path, route.shape]] : [])),
  )
  expect(shapes).toMatchObject({ '/v1/models': 'by-header', '/v1beta/models': 'gemini', '/gemini/v1/models': 'gemini' })
})

test('a colon in front of the call may be encoded, and a call that there is not is no path, by any method', () => {
  expect(found('POST', '/v1beta/models/x%3AgenerateContent')).toEqual(['gemini', { model: 'x' }])
  expect(found('POST', '/v1beta/models/a%3ab%3astreamGenerateContent')).toEqual([
    'gemini',
    { model: 'a:b', stream: true },
  ])
  for (const call of [':frob', ':predict', ':', ':generatecontent', '%3Afrob', ':generateContent:'])
    expect(found('POST', `/v1beta/models/x${call}`), call).toBeNull()
  expect(found('GET', '/v1beta/models/ft:x')).toEqual(['models', { model: 'ft:x' }])
})

test('Vertex lists and shows models where its models stand', () => {
  for (const version of ['/v1', '/v1beta', '/v1beta1', '/gemini/v1']) {
    expect(found('GET', `${version}/publishers/google/models`)).toEqual(['models', {}])
    expect(found('GET', `${version}/publishers/google/models/a/b`)).toEqual(['models', { model: 'a/b' }])
    const project = `${version}/projects/p/locations/l/publishers/google/models/a`
    expect(found('GET', project)).toEqual(['models', { model: 'a' }])
  }
})

test('the deployments of Azure and the models of OpenAI are where they were', () => {
  expect(found('POST', '/openai/deployments/a%2Fb/chat/completions')).toEqual(['openai-chat', { model: 'a/b' }])
  expect(found('GET', '/v1/models/a/b')).toEqual(['models', { model: 'a/b' }])
  expect(found('POST', '/v1/models/a')).toEqual(['GET'])
  expect(found('GET', '/nowhere')).toBeNull()
})

test("what is not served below Google's versions is refused in Google's way", () => {
  expect(['/v1beta/x', '/gemini/v1/x', '/v1/x', '/v1betax/x'].map(isGooglePath)).toEqual([true, true, false, false])
})

test('responses are made, fetched, cancelled and deleted by ids that are one step of the path', () => {
  for (const prefix of ['/v1', '/api/v1', '/openai/v1', '/openai']) {
    const path = `${prefix}/responses`
    expect(found('POST', path)).toEqual(['openai-responses', {}])
    expect(found('GET', path)).toEqual(['upgrade-required', {}])
    for (const [method, kept, endpoint] of [
      ['GET', '/resp_1', 'response-retrieve'],
      ['DELETE', '/resp_1', 'response-delete'],
      ['POST', '/resp_1/cancel', 'response-cancel'],
      ['GET', '/resp_1/input_items', 'response-input-items'],
    ] as const)
      expect(found(method, path + kept)).toEqual([endpoint, { id: 'resp_1' }])
    expect(found('GET', `${path}/a/b`)).toBeNull()
    expect(found('GET', `${path}/resp%2F..%2F1`)).toEqual(['response-retrieve', { id: 'resp/../1' }])
    expect(found('POST', `${path}/resp_1`)).toEqual(['GET', 'DELETE'])
    expect(found('POST', `${path}/compact`)).toBeNull()
    expect(found('DELETE', `${path}/resp_1/cancel`)).toEqual(['POST'])
  }
})
