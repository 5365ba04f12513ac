import { isUtf8 } from 'node:buffer'
import { GatewayError } from '../../kernel/errors.ts'
import { scanBody } from '../side/facts.ts'

const flags = new Set(['stream'])
const numbers = new Set(['n', 'partial_images'])

/**
 * The text fields of an upload as the JSON body they would be: `name[]` and repeated names as lists, flags and counts as such. Throws what the JSON body would:
 * `forbidden_field`, and `duplicate_key` for a model that is given twice.
 */
export const fieldsAsJson = (parts: readonly { readonly name: string; readonly text: Buffer }[]): Buffer => {
  const fields = new Map<string, string[]>()
  for (const { name, text } of parts) {
    if (!isUtf8(text))
      throw new GatewayError('invalid_utf8', `The field "${name}" is not valid UTF-8.`, { param: name })
    const known = fields.get(name)
    if (known && name === 'model')
      throw new GatewayError('duplicate_key', 'The field "model" is given twice.', { param: name })
    if (known) known.push(text.toString('utf8'))
    else fields.set(name, [text.toString('utf8')])
  }
  const entries = [...fields].map(([name, texts]) => {
    const [only] = texts
    return [name, texts.length > 1 || name.endsWith('[]') || only === undefined ? texts : valueOf(name, only)] as const
  })
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)))
  scanBody(json)
  return json
}

const valueOf = (name: string, text: string): string | number | boolean => {
  if (flags.has(name) && /^(?:true|false)$/i.test(text)) return text.toLowerCase() === 'true'
  return numbers.has(name) && /^\d{1,9}$/.test(text) ? Number(text) : text
}
