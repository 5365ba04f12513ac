// npm links the programs of dependencies into node_modules/.bin, but not the repository's own. This makes `npx gateway` in a clone run the clone.
import { lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const bin = join(import.meta.dirname, '..', 'node_modules', '.bin')
const link = join(bin, 'gateway')
if (process.platform !== 'win32') {
  mkdirSync(bin, { recursive: true })
  if (lstatSync(link, { throwIfNoEntry: false })) rmSync(link)
  symlinkSync('../../bin/gateway.cjs', link)
}
