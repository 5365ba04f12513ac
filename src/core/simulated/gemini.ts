import { content, frame } from './rendering.ts'
import type { Answer, Rendering } from './rendering.ts'
import type { Choice, Reply } from './reply.ts'

type Json = Readonly<Record<string, unknown>>

const finishReason = { stop: 'STOP', length: 'MAX_TOKENS', tools: 'STOP', refusal: 'SAFETY' } as const

const usageOf = ({ usage }: Reply): Json =>
  usage
    ? {
        usageMetadata: {
          promptTokenCount: usage.input,
          ...(usage.cached > 0 && { cachedContentTokenCount: usage.cached }),
          candidatesTokenCount: usage.output - usage.thinking,
          ...(usage.thinking > 0 && { thoughtsTokenCount: usage.thinking }),
          totalTokenCount: usage.input + usage.output,
        },
      }
    : {}

const tailOf = ({ prompt, reply }: Answer): Json => ({
  ...usageOf(reply),
  modelVersion: prompt.model,
  responseId: `sim${reply.seed.slice(0, 20)}`,
})

/** Gemini signs the first of several calls; what it signs is of no meaning here. */
const callPart = (reply: Reply, { name, arguments: pieces }: Choice['calls'][number], at: number): Json => ({
  functionCall: { name, args: JSON.parse(pieces.join('')) as unknown },
  ...(at === 0 && { thoughtSignature: Buffer.from(`simulated-${reply.seed.slice(0, 16)}`).toString('base64') }),
})

const whole: Rendering['whole'] = (answer) => {
  const { reply } = answer
  const candidates = reply.choices.map(({ text, calls, finish }, index) => ({
    ...(finish !== 'refusal' && {
      content: {
        role: 'model',
        parts: [
          ...(reply.thinking.length > 0 ? [{ text: reply.thinking.join(''), thought: true }] : []),
          ...(calls.length > 0 ? calls.map((call, at) => callPart(reply, call, at)) : [{ text: text.join('') }]),
        ],
      },
    }),
    finishReason: finishReason[finish],
    index,
  }))
  return { candidates, ...tailOf(answer) }
}

const stream: Rendering['stream'] = (answer) => {
  const { reply } = answer
  const tail = tailOf(answer)
  const write = (candidate: Json): string => `data: ${JSON.stringify({ candidates: [candidate], ...tail })}\r\n\r\n`
  const part = (index: number, piece: Json, end: Json = {}): string =>
    write({ content: { role: 'model', parts: [piece] }, index, ...end })
  return reply.choices.flatMap(({ text, calls, finish }, index) => {
    const end = { finishReason: finishReason[finish] }
    const thinking = index === 0 ? reply.thinking : []
    if (finish === 'refusal') return [frame(write({ index, ...end }))]
    const said = calls.length > 0 ? [] : text.map((piece) => content(part(index, { text: piece })))
    const called = calls.map((call, at) => content(part(index, callPart(reply, call, at))))
    return [
      ...thinking.map((piece) => content(part(index, { text: piece, thought: true }))),
      ...said,
      ...called,
      frame(part(index, { text: '' }, end)),
    ]
  })
}

const statusNames: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

const errorBody = (code: number, message: string): Json => ({
  error: { code, message, status: statusNames[code] ?? (code >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT') },
})

/** Gemini's `generateContent` and `streamGenerateContent?alt=sse`. */
export const geminiRendering: Rendering = {
  whole,
  stream,
  error: errorBody,
  count: (totalTokens) => ({ totalTokens }),
  streamError: (message) => `data: ${JSON.stringify(errorBody(500, message))}\r\n\r\n`,
}
