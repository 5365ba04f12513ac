import { type Cut, readField, scanObject, type ScannedObject, setField } from '../protocols/json-scan.ts'
import type { JsonObject } from '../protocols/neutral/index.ts'

/** Where a protocol keeps settings that others have at the top level of the body. */
export interface Nesting {
  /** The object that holds them, under each name that clients may use. */
  readonly within: readonly string[]
  /** Its names of the settings that operators write, each spelling that clients may use, the first for what is added. */
  readonly names: Readonly<Record<string, readonly string[]>>
  /** Settings at its top level; others that it does not know are left out, because it refuses unknown fields. */
  readonly top: ReadonlySet<string>
}

const limit = ['maxOutputTokens', 'max_output_tokens']

const gemini: Nesting = {
  within: ['generationConfig', 'generation_config'],
  names: {
    temperature: ['temperature'],
    top_p: ['topP', 'top_p'],
    top_k: ['topK', 'top_k'],
    max_tokens: limit,
    max_completion_tokens: limit,
    max_output_tokens: limit,
    seed: ['seed'],
    presence_penalty: ['presencePenalty', 'presence_penalty'],
    frequency_penalty: ['frequencyPenalty', 'frequency_penalty'],
    stop: ['stopSequences', 'stop_sequences'],
    stop_sequences: ['stopSequences', 'stop_sequences'],
    thinkingConfig: ['thinkingConfig', 'thinking_config'],
  },
  top: new Set(['safetySettings', 'labels', 'serviceTier', 'systemInstruction', 'tools', 'toolConfig']),
}

const byEndpoint: Readonly<Record<string, Nesting>> = { gemini }

/** Undefined for endpoints whose settings stand at the top level. */
export const nestingOf = (endpoint: string): Nesting | undefined => byEndpoint[endpoint]

/** The cut that fills in defaults and applies caps inside the object of a protocol that nests them; none when nothing changes. */
export const nestedCuts = (
  scanned: ScannedObject,
  { within, names, top }: Nesting,
  defaults: JsonObject,
  caps: JsonObject,
): Cut[] => {
  if (Object.keys(defaults).length + Object.keys(caps).length === 0) return []
  const cuts: Cut[] = []
  const added: string[] = []
  const holder = within.find((name) => scanned.fields.has(name)) ?? within[0]!
  const field = scanned.fields.get(holder)
  const given = field && scanned.bytes[field.valueStart] === 0x7b
  const inner = given ? scanObject(scanned.bytes.subarray(field.valueStart, field.valueEnd)) : undefined
  const isSet = (spellings: readonly string[]): boolean => spellings.some((name) => inner?.fields.has(name))

  const filled = new Set<string>()
  for (const [name, value] of Object.entries(defaults)) {
    const spellings = Object.hasOwn(names, name) ? names[name]! : undefined
    if (spellings) {
      const plain = spellings[0]!
      if (isSet(spellings) || filled.has(plain)) continue
      filled.add(plain)
      // OpenAI's `stop` may be one text.
      const list = plain === 'stopSequences' && typeof value === 'string' ? [value] : value
      added.push(`${JSON.stringify(plain)}:${JSON.stringify(list)}`)
    } else if (top.has(name) && !scanned.fields.has(name)) cuts.push(setField(scanned, name, JSON.stringify(value)))
  }
  for (const [name, bound] of Object.entries(caps)) {
    const spellings = Object.hasOwn(names, name) ? names[name]! : []
    if (!inner || spellings === limit || typeof bound !== 'number') continue
    for (const spelling of spellings) {
      const asked = readField(inner, spelling)
      if (typeof asked !== 'number' || asked <= bound) continue
      const { start, end, text } = setField(inner, spelling, JSON.stringify(bound))
      cuts.push({ start: field!.valueStart + start, end: field!.valueStart + end, text })
    }
  }
  if (added.length === 0) return cuts
  if (!field || !inner) return [...cuts, setField(scanned, holder, `{${added.join()}}`)]
  const at = field.valueStart + inner.close
  return [...cuts, { start: at, end: at, text: `${inner.fields.size > 0 ? ',' : ''}${added.join()}` }]
}
