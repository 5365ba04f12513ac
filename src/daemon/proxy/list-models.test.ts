import { expect, test } from 'vitest'
import type { Catalog, ResolvedModel } from '../../core/catalog/resolved.ts'
import type { KeyPrincipal } from '../../core/keys/verdict.ts'
import { listModels, showModel } from './list-models.ts'

const models = ['a', 'b/c', 'd', 'é', 'models/e'].map(
  (name) => ({ name, createdAt: 0, contextWindow: null, maxOutputTokens: null }) as ResolvedModel,
)
const catalog = {
  list: () => models,
  resolve: (name: string) => models.find((model) => model.name === name),
} as Catalog
const anyone = { models: null } as KeyPrincipal
const page = (query: string) =>
  listModels(catalog, anyone, 'gemini', new URLSearchParams(query)) as unknown as {
    models: readonly { name: string }[]
    nextPageToken?: string
  }

test.each([1, 2, 4, 5, 2000])('pages of %i hold all models once, in order', (size) => {
  const seen: string[] = []
  let token: string | undefined = ''
  while (token !== undefined) {
    const { models: some, nextPageToken } = page(`pageSize=${size}&pageToken=${token}`)
    expect(some.length).toBeLessThanOrEqual(size)
    seen.push(...some.map(({ name }) => name))
    token = nextPageToken
  }
  expect(seen).toEqual(models.map(({ name }) => `models/${name}`))
})

test('without a size, or with none, all come at once', () => {
  for (const query of ['', 'pageSize=', 'pageSize=0']) expect(Object.keys(page(query))).toEqual(['models'])
})

test.each(['pageSize=-1', 'pageSize=x', 'pageSize=1.5', 'pageToken=nonsense'])(
  '%s is refused with its name',
  (query) => {
    const param = query.replace(/=.*/, '')
    expect(() => page(query)).toThrow(
      expect.objectContaining({ status: 400, details: expect.objectContaining({ param }) as unknown }),
    )
  },
)

test('a model is shown by the name that the list of Google gives, and by its own', () => {
  for (const name of ['b/c', 'models/b/c'])
    expect(showModel(catalog, anyone, 'gemini', name)).toMatchObject({ name: 'models/b/c' })
  expect(showModel(catalog, anyone, 'gemini', 'models/e')).toMatchObject({ name: 'models/models/e' })
  expect(() => showModel(catalog, anyone, 'openai-chat', 'models/a')).toThrow(expect.objectContaining({ status: 404 }))
})
