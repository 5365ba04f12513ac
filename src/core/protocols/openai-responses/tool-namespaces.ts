import type { JsonObject, JsonValue } from '../neutral/index.ts'
import { isObject } from '../read.ts'

/** A tool inside a `namespace` tool: its call is told with both names apart. */
export interface NamespacedName {
  readonly namespace: string
  readonly name: string
}

/** The one name of such a tool where tools have no namespaces. */
export const flatName = (namespace: string, name: string): string => `${namespace}__${name}`

/**
 * The tools with a namespace that a client's body defines, by their flat names: in `tools` and in `additional_tools` items of its input. An answer that calls one of
 * them is told with `namespace` and `name` apart. What cannot be read is left out; decoding the request refuses it.
 */
export const namespacedTools = (asked: JsonObject | undefined): ReadonlyMap<string, NamespacedName> => {
  const found = new Map<string, NamespacedName>()
  const add = (tools: JsonValue | undefined): void => {
    for (const tool of objects(tools)) {
      const namespace = tool['name']
      if (tool['type'] !== 'namespace' || typeof namespace !== 'string') continue
      for (const { name } of objects(tool['tools']))
        if (typeof name === 'string') found.set(flatName(namespace, name), { namespace, name })
    }
  }
  add(asked?.['tools'])
  for (const item of objects(asked?.['input'])) if (item['type'] === 'additional_tools') add(item['tools'])
  return found
}

const objects = (value: JsonValue | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? value.filter(isObject) : []
