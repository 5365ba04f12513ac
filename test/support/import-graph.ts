import { readFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'

/** One import as written: where it stands, what it names and whether it exists at run time. */
export interface Import {
  /** Path relative to the root of the repository, with forward slashes. */
  readonly from: string
  readonly line: number
  /** As written: `../kernel/ids.ts`, `node:fs`, `kysely/migration`. */
  readonly specifier: string
  /** For relative imports the file it names, relative to the root; null for packages. */
  readonly to: string | null
  /** `type` imports vanish when compiled; `dynamic` covers `import()` and the entry of a worker thread (`new URL('./x', import.meta.url)`). */
  readonly kind: 'static' | 'dynamic' | 'type'
}

/** Blanks comments, and templates that hold code, but keeps every line break, so that positions stay true. */
const blankComments = (source: string): string => {
  const pattern =
    /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|\/\*[\s\S]*?\*\/|(?<![:\\/])\/\/[^\n]*/g
  return source.replace(pattern, (found) =>
    found.startsWith('/') || /^`[\s\S]*\n(import|export) /.test(found) ? found.replace(/[^\n]/g, ' ') : found,
  )
}

const staticImport = /^(?:import|export)\s+(?:(type)\s+)?(?:([\w$*{}\s,]+?)\s+from\s+)?'([^'\n]+)'/gm
const dynamicImport = /\bimport\(\s*'([^'\n]+)'/g
const workerEntry = /\bnew URL\(\s*'(\.{1,2}\/[^'\n]+)'(?=[^\n]*import\.meta\.url)/g

/** `{ type A, type B }` imports nothing either. */
const onlyTypes = (names: string | undefined): boolean => {
  const list = /^\{([\s\S]*)\}$/.exec(names?.trim() ?? '')?.[1]
  if (list === undefined) return false
  const entries = list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  return entries.length > 0 && entries.every((name) => name.startsWith('type '))
}

export const importsOf = (from: string, source: string): Import[] => {
  const text = blankComments(source)
  const found: { at: number; specifier: string; kind: Import['kind'] }[] = []
  for (const match of text.matchAll(staticImport)) {
    found.push({
      at: match.index,
      specifier: match[3]!,
      kind: match[1] === 'type' || onlyTypes(match[2]) ? 'type' : 'static',
    })
  }
  for (const match of text.matchAll(dynamicImport))
    found.push({ at: match.index, specifier: match[1]!, kind: 'dynamic' })
  for (const match of text.matchAll(workerEntry)) found.push({ at: match.index, specifier: match[1]!, kind: 'dynamic' })
  return found
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, specifier, kind }) => ({
      from,
      line: text.slice(0, at).split('\n').length,
      specifier,
      to: specifier.startsWith('.') ? withExtension(posix.join(posix.dirname(from), specifier)) : null,
      kind,
    }))
}

/** Worker entries are written without their extension, which differs between source and dist. */
const withExtension = (path: string): string => (/\.\w+$/.test(path) ? path : `${path}.ts`)

/** Every source file below `folder` but tests, with its imports. */
export const readImports = (root: string, folder: string): { files: Set<string>; imports: Import[] } => {
  const files = new Set<string>()
  const imports: Import[] = []
  const top = join(root, folder)
  for (const name of readdirSync(top, { recursive: true, encoding: 'utf8' }).toSorted()) {
    const path = join(top, name)
    if (!/\.tsx?$/.test(name) || name.includes('.test.') || !statSync(path).isFile()) continue
    const file = relative(root, path).split(sep).join('/')
    files.add(file)
    imports.push(...importsOf(file, readFileSync(path, 'utf8')))
  }
  return { files, imports }
}

/** The shortest cycles of run-time imports, each as the imports that close it. */
export const findCycles = (imports: readonly Import[]): Import[][] => {
  const edges = new Map<string, Import[]>()
  for (const one of imports) {
    if (one.kind === 'type' || one.to === null) continue
    const list = edges.get(one.from)
    if (list) list.push(one)
    else edges.set(one.from, [one])
  }
  const cycles: Import[][] = []
  const done = new Set<string>()
  for (const start of edges.keys()) {
    const cycle = pathBack(start, edges, done)
    if (cycle) cycles.push(cycle)
    done.add(start)
  }
  return cycles
}

const pathBack = (start: string, edges: ReadonlyMap<string, Import[]>, done: ReadonlySet<string>): Import[] | null => {
  const arrived = new Map<string, Import>()
  const queue = [start]
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    for (const edge of edges.get(at) ?? []) {
      const to = edge.to!
      if (to === start) {
        const path = [edge]
        for (let file = at; file !== start; file = path[0]!.from) path.unshift(arrived.get(file)!)
        return path
      }
      if (done.has(to) || arrived.has(to)) continue
      arrived.set(to, edge)
      queue.push(to)
    }
  }
  return null
}

export const repositoryRoot = dirname(dirname(import.meta.dirname))
