import { createRequire } from 'node:module'
import type { parseDocument as Parse } from 'yaml'
import { GatewayError } from '../kernel/errors.ts'
import { readSmallFile } from './small-file.ts'

const limit = 256 * 1024

export interface ConfigFile {
  /** Values by their name in the file. */
  readonly values: ReadonlyMap<string, unknown>
  /** Whether group or others may read it. */
  readonly exposed: boolean
}

/**
 * Reads one YAML or JSON file (JSON is read as the YAML it is). Aliases are refused, so a small file cannot unfold into a large one; so are duplicate keys and
 * several documents.
 */
export const readConfigFile = (path: string): ConfigFile => {
  const { text, mode } = readSmallFile(path, limit)
  const refuse = (why: string): GatewayError => new GatewayError('configuration_invalid', `${path}: ${why}`)
  if (text.trim() === '')
    throw refuse('the file is empty. Delete it, or write one option per line such as "port: 4100".')
  // Loaded here because most commands run without a file and should not pay for the parser.
  const { parseDocument } = createRequire(import.meta.url)('yaml') as { parseDocument: typeof Parse }
  const document = parseDocument(text, { uniqueKeys: true, merge: false, prettyErrors: true })
  const [problem] = document.errors
  if (problem) throw refuse(problem.message.split('\n')[0]!.replace(/:$/, '.'))
  let values: unknown
  try {
    values = document.toJS({ maxAliasCount: 0, mapAsMap: true })
  } catch {
    throw refuse('anchors and aliases are not allowed.')
  }
  const exposed = (mode & 0o077) !== 0
  if (values === null) return { values: new Map(), exposed }
  if (!(values instanceof Map)) throw refuse('it must hold one option per line such as "port: 4100".')
  return { values: new Map([...values].map(([name, value]) => [String(name), value])), exposed }
}
