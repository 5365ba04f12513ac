import { BadPrompt, count, isJson, list, object, parseBody, text } from './prompt.ts'
import type { Json, Prompt } from './prompt.ts'

const partsOf = (content: unknown): readonly Json[] => list(object(content)['parts']).map(object)
const textOf = (content: unknown): string =>
  partsOf(content)
    .map((part) => text(part['text']))
    .filter((piece) => piece !== '')
    .join('\n')
const hasResult = (content: Json): boolean => partsOf(content).some((part) => isJson(part['functionResponse']))

/** A Gemini request; its model and whether it streams stand in the path. */
export const readGeminiPrompt = (bytes: Buffer, model: string, stream: boolean): Prompt => {
  const body = parseBody(bytes)
  const contents = list(body['contents']).map(object)
  if (contents.length === 0) throw new BadPrompt('contents: at least one content is required.')
  const users = contents.filter((content) => content['role'] !== 'model' && !hasResult(content))
  const results = partsOf(contents.at(-1)).filter((part) => isJson(part['functionResponse']))
  const system = textOf(body['systemInstruction'])
  const config = object(body['generationConfig'])
  const calling = object(object(body['toolConfig'])['functionCallingConfig'])
  const allowed = list(calling['allowedFunctionNames']).map(text)
  const mode = calling['mode'] === 'ANY' ? 'required' : calling['mode'] === 'NONE' ? 'none' : 'auto'
  return {
    model,
    stream,
    includeUsage: true,
    texts: [system, ...contents.map(textOf)].filter((piece) => piece !== ''),
    system,
    lastUser: textOf(users.at(-1)),
    userTurns: users.length,
    images: contents.flatMap(partsOf).filter((part) => isJson(part['inlineData'])).length,
    toolResult:
      results.length > 0
        ? results
            .map((part) => object(object(part['functionResponse'])['response']))
            .map((response) => text(response['output']) || JSON.stringify(response))
            .join('; ')
        : null,
    tools: list(body['tools'])
      .flatMap((tool) => list(object(tool)['functionDeclarations']).map(object))
      .map((tool) => ({
        name: text(tool['name']),
        schema: object(tool['parametersJsonSchema'] ?? tool['parameters']),
      })),
    toolChoice: mode === 'required' && allowed.length === 1 ? { mode: 'named', name: allowed[0]! } : { mode },
    parallel: true,
    maxTokens: count(config['maxOutputTokens']),
    stop: list(config['stopSequences']).map(text),
    choices: Math.min(count(config['candidateCount']) ?? 1, 16),
    schema:
      config['responseMimeType'] === 'application/json'
        ? object(config['responseJsonSchema'] ?? config['responseSchema'])
        : null,
    thinking: object(config['thinkingConfig'])['includeThoughts'] === true,
  }
}
