import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findCycles, importsOf, readImports, repositoryRoot } from './support/import-graph.ts'
import type { Import } from './support/import-graph.ts'

/** From the top down (docs/architecture.md). A file may import its own layer and every layer below it. */
const layers = ['cli', 'tui', 'daemon', 'core surface', 'exchange', 'domain', 'storage', 'kernel'] as const
type Layer = (typeof layers)[number]

/** Domains and the domains they may use at run time. Types cross freely: they are gone when the program runs. */
const domains: Readonly<Record<string, readonly string[]>> = {
  upstream: ['provider-kinds', 'protocols'],
  simulated: ['protocols'],
  'provider-kinds': ['protocols'],
  endpoints: ['protocols', 'provider-kinds', 'pricing'],
  protocols: [],
  keys: ['identity'],
  identity: [],
  limits: ['catalog', 'pricing'],
  catalog: ['pricing', 'provider-kinds', 'protocols'],
  pricing: [],
  usage: ['ledger', 'pricing'],
  ledger: [],
  audit: [],
  routing: [],
  system: ['config'],
  config: [],
}

/** Packages that only some places may import: SQL, calls to providers, planes and terminals. */
const packages: readonly {
  readonly names: RegExp
  readonly allowed: (file: string) => boolean
  readonly why: string
}[] = [
  {
    names: /^(kysely|better-sqlite3)(\/|$)/,
    allowed: (file) => file.startsWith('src/core/storage/') || /(^|[/-])repository\.ts$/.test(file),
    why: 'SQL belongs to core/storage and to repository.ts',
  },
  {
    names: /^undici(\/|$)/,
    allowed: (file) => file.startsWith('src/core/upstream/') || file.startsWith('src/cli/'),
    why: 'calls to providers belong to core/upstream; only the CLI has a client of its own',
  },
  {
    names: /^(fastify|@fastify\/.*)$/,
    allowed: (file) => file.startsWith('src/daemon/'),
    why: 'Fastify serves the admin plane in src/daemon and nothing else',
  },
  {
    names: /^(commander|cli-table3|@commander-js\/.*|@clack\/.*)$/,
    allowed: (file) => file.startsWith('src/cli/'),
    why: 'the command line belongs to src/cli',
  },
  {
    names: /^(ink|react|@inkjs\/.*)(\/|$)/,
    allowed: (file) => file.startsWith('src/tui/'),
    why: 'screens belong to src/tui',
  },
]

const layerOf = (file: string): Layer | undefined => {
  const [top, folder] = file.split('/').slice(1) as [string, string]
  if (top === 'cli' || top === 'tui' || top === 'daemon') return top
  if (top !== 'core') return undefined
  if (folder.endsWith('.ts')) return 'core surface'
  if (folder === 'exchange' || folder === 'storage' || folder === 'kernel') return folder
  return folder in domains ? 'domain' : undefined
}

const domainOf = (file: string): string => file.split('/')[2]!

/** What is wrong with one import, or null. */
const judge = (one: Import): string | null => {
  if (one.to === null) {
    const rule = packages.find(({ names }) => names.test(one.specifier))
    return rule && !rule.allowed(one.from) ? rule.why : null
  }
  // The program reads its own version there.
  if (one.to === 'package.json') return null
  const from = layerOf(one.from)
  const to = layerOf(one.to)
  if (!from || !to)
    return `${from ? one.to : one.from} is in no layer: name its place in docs/architecture.md and in this test`
  if (from === 'domain' && to === 'domain') {
    const [user, used] = [domainOf(one.from), domainOf(one.to)]
    // The neutral form is the vocabulary of all domains: tokens, messages, events. It imports none of them.
    if (one.to.startsWith('src/core/protocols/neutral/')) return null
    if (user === used || one.kind === 'type' || domains[user]!.includes(used)) return null
    return `the domain ${user} may use ${domains[user]!.join(', ') || 'no other domain'}, but not ${used}`
  }
  if (layers.indexOf(to) >= layers.indexOf(from)) return null
  return `${from} is below ${to}: arrows point down and never back`
}

const complaints = (imports: readonly Import[]): string[] =>
  imports.flatMap((one) => {
    const why = judge(one)
    return why === null ? [] : [`${one.from}:${one.line} imports ${one.specifier}: ${why}`]
  })

describe('the code keeps the rule of docs/architecture.md', () => {
  const { files, imports } = readImports(repositoryRoot, 'src')

  test('every import points down, between domains only along the lines, and packages stay in their places', () => {
    expect(imports.length).toBeGreaterThan(0)
    expect(complaints(imports)).toEqual([])
  })

  test('every relative import names a file that exists, with its extension', () => {
    const broken = imports.filter(({ to }) => to !== null && !files.has(to) && !existsSync(join(repositoryRoot, to)))
    expect(broken.map((one) => `${one.from}:${one.line} imports ${one.specifier}`)).toEqual([])
  })

  test('no import comes back to where it started', () => {
    const cycles = findCycles(imports).map((cycle) =>
      cycle.map((one) => `${one.from}:${one.line} → ${one.to}`).join('\n  '),
    )
    expect(cycles).toEqual([])
  })

  test('the launcher needs nothing but Node and the command line', () => {
    const launcher = readFileSync(join(repositoryRoot, 'bin/gateway.cjs'), 'utf8')
    const needed = [...launcher.matchAll(/require\('([^']+)'\)/g)].map((match) => match[1]!.replace(/^node:/, ''))
    expect(needed.filter((name) => !['path', 'fs', 'url', 'os', 'child_process', 'module'].includes(name))).toEqual([])
  })
})

describe('the rule would be noticed if it were broken', () => {
  const verdict = (file: string, source: string): string[] => complaints(importsOf(file, source))

  test.each([
    ['core that knows a plane', 'src/core/keys/verify.ts', "import { drain } from '../../daemon/drain.ts'"],
    [
      'core that knows a plane by type',
      'src/core/keys/verify.ts',
      "import type { Drain } from '../../daemon/drain.ts'",
    ],
    ['a domain that knows the exchange', 'src/core/ledger/holds.ts', "import { run } from '../exchange/exchange.ts'"],
    ['a domain that knows a stranger', 'src/core/protocols/sse.ts', "import { price } from '../pricing/prices.ts'"],
    [
      'a codec behind the neutral form',
      'src/core/protocols/neutral/event.ts',
      "import { x } from '../../pricing/prices.ts'",
    ],
    ['a kernel that knows a domain', 'src/core/kernel/ids.ts', "import { x } from '../keys/keys.ts'"],
    [
      'storage that knows the ledger',
      'src/core/storage/writer.ts',
      "const engine = await import('../ledger/engine.ts')",
    ],
    [
      'a worker entry in another domain',
      'src/core/storage/writer.ts',
      "new URL('../ledger/engine' + extension, import.meta.url)",
    ],
    ['a re-export', 'src/core/kernel/ids.ts', "export * from '../keys/keys.ts'"],
    ['SQL in a domain', 'src/core/keys/verify.ts', "import { sql } from 'kysely'"],
    ['a driver in a plane', 'src/daemon/main.ts', "import Database from 'better-sqlite3'"],
    ['undici in the daemon', 'src/daemon/proxy/handler.ts', "import { Pool } from 'undici'"],
    ['Fastify in core', 'src/core/app.ts', "import fastify from 'fastify'"],
    ['a layer nobody named', 'src/extras/x.ts', "import { newId } from '../core/kernel/ids.ts'"],
  ])('%s', (_what, file, source) => {
    expect(verdict(file, `// a first line\n${source}\n`)).toEqual([expect.stringContaining(`${file}:2 imports `)])
  })

  test.each([
    ['a repository', 'src/core/keys/repository.ts', "import { sql } from 'kysely'"],
    ['a second repository', 'src/core/catalog/models-repository.ts', "import type { Kysely } from 'kysely'"],
    [
      'a type of another domain',
      'src/core/pricing/charge.ts',
      "import type { FrozenPrice } from '../ledger/commands.ts'",
    ],
    ['types by their names', 'src/core/pricing/charge.ts', "import { type A, type B } from '../ledger/commands.ts'"],
    ['the line to the right', 'src/core/upstream/send.ts', "import { parse } from '../protocols/sse.ts'"],
    ['the neutral form', 'src/core/ledger/recovery.ts', "import { emptyUsage } from '../protocols/neutral/usage.ts'"],
    ['a comment', 'src/core/kernel/ids.ts', "/*\nimport { x } from '../keys/keys.ts'\n*/"],
    ['a string', 'src/core/kernel/ids.ts', "const text = `\nimport { x } from 'fastify'\n`"],
  ])('and %s is fine', (_what, file, source) => {
    expect(verdict(file, source)).toEqual([])
  })

  test('a cycle over three files is found once, with the lines that close it', () => {
    const cycle = findCycles([
      ...importsOf('src/core/keys/a.ts', "import { b } from './b.ts'"),
      ...importsOf('src/core/keys/b.ts', "import type { T } from './a.ts'\nimport { c } from './c.ts'"),
      ...importsOf('src/core/keys/c.ts', "export const later = () => import('./a.ts')"),
    ])
    expect(cycle.map((one) => one.map(({ from, line }) => `${from}:${line}`))).toEqual([
      ['src/core/keys/a.ts:1', 'src/core/keys/b.ts:2', 'src/core/keys/c.ts:1'],
    ])
  })
})
