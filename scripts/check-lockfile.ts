import { readFileSync } from 'node:fs'

/**
 * Refuses a lockfile that would break `npm ci` somewhere else: one that lacks optional packages of another platform (npm drops them without a word when the
 * registry does not have them yet, and then refuses its own lock), or one that is tied to the registry it was written against.
 */
interface LockedPackage {
  readonly resolved?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

type Lock = Readonly<Record<string, LockedPackage>>

/** Node's own lookup: beside the package that asks, then one level up after the other. */
const isLocked = (packages: Lock, from: string, name: string): boolean => {
  for (let folder = from; ; folder = folder.slice(0, Math.max(folder.lastIndexOf('node_modules/') - 1, 0))) {
    if (`${folder && `${folder}/`}node_modules/${name}` in packages) return true
    if (folder === '') return false
  }
}

export const lockProblems = (packages: Lock): string[] =>
  Object.entries(packages).flatMap(([path, locked]) => {
    const label = path || 'package.json'
    const missing = Object.keys(locked.optionalDependencies ?? {})
      .filter((name) => !isLocked(packages, path, name))
      .map((name) => `${label}: optional dependency ${name} is not in the lock`)
    const unsafe = path !== '' && !locked.link && !locked.integrity ? [`${label}: no integrity`] : []
    const tied =
      locked.resolved === undefined ? [] : [`${label}: resolved to ${new URL(locked.resolved).host}; remove the field`]
    return [...missing, ...unsafe, ...tied]
  })

if (import.meta.main) {
  const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as {
    packages: Lock
  }
  const problems = lockProblems(packages)
  for (const problem of problems) console.error(problem)
  console.log(`${Object.keys(packages).length} locked packages, ${problems.length} problems`)
  process.exitCode = problems.length > 0 ? 1 : 0
}
