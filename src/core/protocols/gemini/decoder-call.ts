import type { JsonObject, JsonValue } from '../neutral/index.ts'
import { isObject } from '../read.ts'

/** How deep arguments may be nested, as in every other JSON here (json-scan.ts). */
const maxDepth = 128
/** How far a list may be filled beyond its end: a path like `$.a[999999999]` must not become a gigabyte. */
const maxGap = 1000

type Step = string | number
type Tree = Map<string, JsonNode> | JsonNode[]
type Leaf = null | boolean | number | string | JsonObject
type JsonNode = Tree | Leaf

/**
 * One call while it comes in. With `streamFunctionCallArguments` its arguments are told leaf by leaf, `{jsonPath: "$.a.b[0]", stringValue, willContinue}`; other protocols
 * know nothing like that, so they are put together and told as one JSON text.
 */
export class StreamedCall {
  readonly id: string
  readonly name: string
  signature: string | undefined
  /** A path that cannot be read: the arguments are not what the model meant. */
  broken = false
  #whole: JsonObject | undefined
  #root: Map<string, JsonNode> | undefined
  /** The path of a string whose end has not come. */
  #growing: string | undefined

  constructor(id: string, name: string) {
    this.id = id
    this.name = name
  }

  /** The `functionCall` of one part. */
  add({ args, partialArgs }: JsonObject): void {
    if (isObject(args)) this.#whole = { ...this.#whole, ...args }
    if (Array.isArray(partialArgs)) for (const piece of partialArgs) if (isObject(piece)) this.#piece(piece)
  }

  get arguments(): string {
    if (!this.#root) return JSON.stringify(this.#whole ?? {})
    const whole: [string, JsonNode][] = Object.entries(this.#whole ?? {})
    return write(new Map([...whole, ...this.#root]))
  }

  #piece(piece: JsonObject): void {
    const { jsonPath } = piece
    const value = valueOf(piece)
    if (typeof jsonPath !== 'string' || value === undefined) return
    const steps = readPath(jsonPath)
    const grows = this.#growing === jsonPath
    this.#growing = typeof value === 'string' && piece['willContinue'] === true ? jsonPath : undefined
    this.#root ??= new Map()
    if (!steps || !put(this.#root, steps, value, grows)) this.broken = true
  }
}

const valueOf = (piece: JsonObject): Leaf | undefined => {
  const { stringValue, numberValue, boolValue } = piece
  if (typeof stringValue === 'string') return stringValue
  if (typeof numberValue === 'number' || JSON.isRawJSON(numberValue)) return numberValue
  if (typeof boolValue === 'boolean') return boolValue
  return 'nullValue' in piece ? null : undefined
}

const plain = /\.([^.[\]]+)/y
const bracket = /\[(?:(\d{1,9})|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]/y

/** `$.a['b c'][0]` as its steps; undefined for what is no path to a leaf of an object (RFC 9535, normalized paths and member shorthand). */
const readPath = (path: string): readonly Step[] | undefined => {
  if (!path.startsWith('$')) return undefined
  const steps: Step[] = []
  let at = 1
  while (at < path.length) {
    const form = path.startsWith('.', at) ? plain : bracket
    form.lastIndex = at
    const match = form.exec(path)
    if (!match || steps.length === maxDepth) return undefined
    at = form.lastIndex
    const [, first, single, double] = match
    if (form === plain) steps.push(first!)
    else steps.push(first === undefined ? unescape(single ?? double ?? '') : Number(first))
  }
  return typeof steps[0] === 'string' ? steps : undefined
}

const unescape = (text: string): string => text.replaceAll(/\\(.)/g, '$1')

/** False when the path leads through something that is no object or list. */
const put = (root: Map<string, JsonNode>, steps: readonly Step[], value: Leaf, grows: boolean): boolean => {
  let tree: Tree = root
  for (const [depth, step] of steps.entries()) {
    const known = read(tree, step)
    if (known === undefined && !fits(tree, step)) return false
    if (depth === steps.length - 1) {
      set(tree, step, grows && typeof known === 'string' && typeof value === 'string' ? known + value : value)
      return true
    }
    const next: JsonNode = known ?? (typeof steps[depth + 1] === 'number' ? [] : new Map<string, JsonNode>())
    if (!(next instanceof Map) && !Array.isArray(next)) return false
    set(tree, step, next)
    tree = next
  }
  return false
}

const read = (tree: Tree, step: Step): JsonNode | undefined => {
  if (tree instanceof Map) return typeof step === 'string' ? tree.get(step) : undefined
  return typeof step === 'number' ? tree[step] : undefined
}

const fits = (tree: Tree, step: Step): boolean =>
  tree instanceof Map ? typeof step === 'string' : typeof step === 'number' && step <= tree.length + maxGap

const set = (tree: Tree, step: Step, value: JsonNode): void => {
  if (tree instanceof Map) tree.set(String(step), value)
  else {
    while (tree.length < Number(step)) tree.push(null)
    tree[Number(step)] = value
  }
}

/** Maps keep every key as it is, `__proto__` too. */
const write = (node: JsonNode): string => {
  if (node instanceof Map)
    return `{${[...node].map(([key, value]) => `${JSON.stringify(key)}:${write(value)}`).join(',')}}`
  return Array.isArray(node) ? `[${node.map(write).join(',')}]` : JSON.stringify(node satisfies JsonValue)
}
