import type { JsonValue } from '../neutral/index.ts'
import type { EncodeOptions } from '../protocol.ts'
import { isObject } from '../read.ts'

/** Whether the client asked for thoughts (`includeThoughts`): nobody gets them without asking. */
export const showsThoughts = ({ asked, request }: EncodeOptions): boolean => {
  const config = asked?.['generationConfig'] ?? asked?.['generation_config']
  const thinking = field(config, 'thinkingConfig', 'thinking_config')
  const told = field(thinking, 'includeThoughts', 'include_thoughts')
  return typeof told === 'boolean' ? told : request?.reasoning?.display === 'summarized'
}

const field = (source: JsonValue | undefined, camel: string, snake: string): JsonValue | undefined =>
  isObject(source) ? (source[camel] ?? source[snake]) : undefined
