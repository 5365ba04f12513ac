import type { JsonObject, JsonValue } from '../neutral/index.ts'
import { isObject, refuse } from '../read.ts'

/** The fields of a message by name; what has no fields of its own is left as it is. */
interface Shape {
  readonly [name: string]: Shape
}

const leaf: Shape = {}
const leaves = (...names: readonly string[]): Shape => Object.fromEntries(names.map((name) => [name, leaf]))

const data: Shape = {
  inlineData: leaves('mimeType', 'data', 'displayName'),
  fileData: leaves('fileUri', 'mimeType', 'displayName'),
}
const content: Shape = {
  role: leaf,
  parts: {
    ...data,
    ...leaves('text', 'thought', 'thoughtSignature', 'executableCode', 'codeExecutionResult', 'toolCall'),
    ...leaves('toolResponse', 'videoMetadata', 'partMetadata'),
    mediaResolution: leaves('level', 'numTokens'),
    functionCall: leaves('id', 'name', 'args', 'partialArgs', 'willContinue'),
    functionResponse: { ...leaves('id', 'name', 'response', 'willContinue', 'scheduling'), parts: data },
  },
}

/** google.ai.generativelanguage.v1beta.GenerateContentRequest, as far as we read it. */
const request: Shape = {
  ...leaves('model', 'cachedContent', 'safetySettings', 'labels', 'serviceTier', 'store', 'continuationToken'),
  modelArmorConfig: leaf,
  contents: content,
  systemInstruction: content,
  generationConfig: {
    ...leaves('maxOutputTokens', 'temperature', 'topP', 'topK', 'stopSequences', 'candidateCount', 'seed'),
    ...leaves('presencePenalty', 'frequencyPenalty', 'responseLogprobs', 'logprobs', 'responseMimeType'),
    ...leaves('responseSchema', 'responseJsonSchema', 'responseFormat', 'responseModalities', 'speechConfig'),
    ...leaves('imageConfig', 'mediaResolution', 'translationConfig', 'enableEnhancedCivicAnswers', 'audioTimestamp'),
    thinkingConfig: leaves('includeThoughts', 'thinkingBudget', 'thinkingLevel'),
  },
  tools: {
    functionDeclarations: leaves('name', 'description', 'parameters', 'parametersJsonSchema', 'response', 'behavior'),
    ...leaves('googleSearch', 'googleSearchRetrieval', 'codeExecution', 'urlContext', 'fileSearch', 'googleMaps'),
    ...leaves('computerUse', 'mcpServers', 'retrieval', 'enterpriseWebSearch'),
  },
  toolConfig: {
    functionCallingConfig: leaves('mode', 'allowedFunctionNames', 'streamFunctionCallArguments'),
    ...leaves('retrievalConfig', 'includeServerSideToolInvocations'),
  },
}

/**
 * The body with the names of Gemini's fields in camelCase: the API takes both spellings (proto3's JSON). What clients named themselves (arguments, schemas,
 * labels) stays.
 */
export const camelCased = (body: JsonObject): JsonObject => (isCamel(body, request) ? body : renamed(body, request, ''))

/** Nearly every client writes camelCase: then nothing is copied. */
const isCamel = (value: JsonValue, shape: Shape): boolean => {
  if (Array.isArray(value)) return value.every((item) => isCamel(item, shape))
  if (!isObject(value)) return true
  for (const key in value) {
    if (!Object.hasOwn(shape, key)) {
      if (key.includes('_')) return false
    } else if (shape[key] !== leaf && !isCamel(value[key]!, shape[key]!)) return false
  }
  return true
}

const renamed = (source: JsonObject, shape: Shape, path: string): JsonObject => {
  const fields = new Map<string, JsonValue>()
  for (const [key, value] of Object.entries(source)) {
    const name = nameIn(shape, key)
    if (fields.has(name)) refuse(path + name, 'is given twice, in camelCase and in snake_case.')
    const inner = Object.hasOwn(shape, name) ? shape[name]! : leaf
    fields.set(name, inner === leaf ? value : descend(value, inner, `${path}${name}.`))
  }
  return Object.fromEntries(fields)
}

const descend = (value: JsonValue, shape: Shape, path: string): JsonValue => {
  if (Array.isArray(value)) return value.map((item) => descend(item, shape, path))
  return isObject(value) ? renamed(value, shape, path) : value
}

const nameIn = (shape: Shape, key: string): string => {
  if (Object.hasOwn(shape, key) || !key.includes('_')) return key
  const name = camel(key)
  return Object.hasOwn(shape, name) ? name : key
}

/** `max_output_tokens` → `maxOutputTokens`; the SDK's `_responseJsonSchema` loses its underscore. */
export const camel = (key: string): string =>
  key.replace(/^_/, '').replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
