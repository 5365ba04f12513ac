/** What clients send: the sizes and models of every run. */
export type Dialect = 'openai' | 'anthropic'

/** Models that the gateway must know; the mock provider reads from the name what to answer. */
export const benchModels = {
  unary: 'unary',
  /** 50 events a second for five seconds. */
  steady: 'stream-250-20',
  /** One event a second for a minute. */
  slow: 'stream-60-1000',
  /** One event a second, twenty of them. */
  wave: 'stream-20-1000',
  big: 'big-50',
} as const

const prose =
  'Please read the following report and tell me in three sentences what it says about the cost of running a small service. ' +
  'The numbers are those of the second quarter; where they differ from the first, say so.\n'

const content = (bytes: number): string => prose.repeat(Math.ceil(bytes / prose.length)).slice(0, bytes)

/** A body of about `bytes` bytes with its model first, as SDKs write it. */
export const chatBody = (dialect: Dialect, model: string, bytes: number, stream = false): string => {
  const messages: { role: string; content: string }[] = []
  // A conversation of many turns, not one huge string: that is what agents send.
  for (let rest = Math.max(bytes - 90, 40); rest > 0; rest -= 4096) {
    messages.push({
      role: messages.length % 2 === 0 ? 'user' : 'assistant',
      content: content(Math.min(rest, 4096 - 40)),
    })
  }
  if (messages.length % 2 === 0) messages.push({ role: 'user', content: 'Go on.' })
  const common = { model, messages, ...(stream ? { stream: true } : {}) }
  return JSON.stringify(dialect === 'openai' ? { ...common, temperature: 0.7 } : { ...common, max_tokens: 1024 })
}
