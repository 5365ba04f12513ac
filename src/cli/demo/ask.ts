import { request } from 'undici'
import { GatewayError } from '../../core/kernel/errors.ts'

/** One answer through the proxy, as a client would get it. */
export interface Asked {
  readonly requestId: string
  readonly text: string
}

const send = async (url: string, headers: Record<string, string>, body: object) => {
  const answer = await request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  if (answer.statusCode !== 200) {
    throw new GatewayError(
      'upstream_error',
      `${url} answered ${answer.statusCode}: ${(await answer.body.text()).slice(0, 300)}`,
    )
  }
  return { requestId: String(answer.headers['x-gateway-request-id']), body: answer.body }
}

/** POST /v1/chat/completions, whole. */
export const askOpenAi = async (baseUrl: string, key: string, model: string, prompt: string): Promise<Asked> => {
  const { requestId, body } = await send(
    `${baseUrl}/v1/chat/completions`,
    { authorization: `Bearer ${key}` },
    { model, max_tokens: 200, messages: [{ role: 'user', content: prompt }] },
  )
  const answer = (await body.json()) as { choices: { message: { content: string } }[] }
  return { requestId, text: answer.choices[0]?.message.content ?? '' }
}

/** POST /v1/messages, streamed: `piece` sees the text as it comes. */
export const askAnthropic = async (
  baseUrl: string,
  key: string,
  model: string,
  prompt: string,
  piece: (text: string) => void,
): Promise<Asked> => {
  const { requestId, body } = await send(
    `${baseUrl}/v1/messages`,
    { 'x-api-key': key, 'anthropic-version': '2023-06-01' },
    { model, max_tokens: 200, stream: true, messages: [{ role: 'user', content: prompt }] },
  )
  let text = ''
  let rest = ''
  body.setEncoding('utf8')
  for await (const chunk of body as AsyncIterable<string>) {
    const frames = (rest + chunk).split('\n\n')
    rest = frames.pop() ?? ''
    for (const delta of frames.map(textOf)) {
      if (delta === '') continue
      piece(delta)
      text += delta
    }
  }
  return { requestId, text }
}

/** The text in one event of the stream. */
const textOf = (frame: string): string => {
  const data = frame.split('\n').find((line) => line.startsWith('data:'))
  const event = data
    ? (JSON.parse(data.slice(5)) as {
        type?: string
        delta?: { type?: string; text?: string }
        error?: { message?: string }
      })
    : {}
  if (event.type === 'error') throw new GatewayError('upstream_error', event.error?.message)
  return event.delta?.type === 'text_delta' ? (event.delta.text ?? '') : ''
}
