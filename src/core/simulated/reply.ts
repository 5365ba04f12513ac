import { hash } from 'node:crypto'
import type { Script } from './models.ts'
import type { Prompt } from './prompt.ts'
import { sample } from './sample.ts'

/** An answer, whole, before a protocol renders it. Pieces are what is streamed one by one and counted as tokens. */
export interface Reply {
  /** Hex digits that depend on the request alone; ids are made from it. */
  readonly seed: string
  readonly thinking: readonly string[]
  readonly choices: readonly Choice[]
  /** Null when this model never reports any. */
  readonly usage: ReplyUsage | null
}

export interface Choice {
  readonly text: readonly string[]
  readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: readonly string[] }[]
  readonly finish: 'stop' | 'length' | 'tools' | 'refusal'
  /** The stop sequence that ended the text. */
  readonly stopped: string | null
}

export interface ReplyUsage {
  /** Whole input, `cached` included; whole output, `thinking` included. */
  readonly input: number
  readonly cached: number
  readonly output: number
  readonly thinking: number
}

/** Cuts a text into tokens of a sort; joined they are the text again. */
export const pieces = (text: string): string[] => text.match(/\s*\S{1,8}|\s+/gu) ?? []

export const countInput = ({ texts, tools, images }: Prompt): number =>
  3 +
  texts.reduce((sum, text) => sum + 3 + pieces(text).length, 0) +
  tools.reduce((sum, { name, schema }) => sum + 8 + Math.ceil((name.length + JSON.stringify(schema).length) / 4), 0) +
  images * 85

const remarks = [
  'I am a simulated model: no provider was asked and nobody was paid, but every token is counted.',
  'If a real model stood here, this is where its wisdom would begin.',
  'I have thought about it for zero seconds and I agree.',
  'That is a fine thing to say to a machine that only pretends.',
  'Ask me the same thing again and I will say the same thing again. That is my one talent.',
  'Your message went through the whole gateway: key, price, hold, stream and settlement.',
]

const excerpt = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > 240 ? `${line.slice(0, 239).replace(/[\ud800-\udbff]$/, '')}…` : line
}

export const composeReply = (prompt: Prompt, script: Script): Reply => {
  const seed = hash('sha256', JSON.stringify([prompt.model, prompt.texts, prompt.tools]), 'hex')
  const room = { left: prompt.maxTokens ?? Infinity }
  const thinking = script.thinks || prompt.thinking ? take(pieces(thoughts(prompt)), room) : []
  const choices = Array.from({ length: prompt.choices }, (_, index) =>
    composeChoice(prompt, script, seed, index, { left: room.left }),
  )
  const output = choices.reduce(
    (sum, { text, calls }) => sum + text.length + calls.reduce((all, call) => all + 4 + call.arguments.length, 0),
    thinking.length,
  )
  const input = countInput(prompt)
  const usage = { input, cached: script.caches ? Math.floor(input / 2) : 0, output, thinking: thinking.length }
  return { seed, thinking, choices, usage: script.reportsUsage ? usage : null }
}

const take = (all: readonly string[], room: { left: number }): readonly string[] => {
  const taken = all.slice(0, room.left)
  room.left -= taken.length
  return taken
}

const composeChoice = (prompt: Prompt, script: Script, seed: string, index: number, room: { left: number }): Choice => {
  if (script.refuses)
    return {
      text: take(pieces('I would rather not say anything about that.'), room),
      calls: [],
      finish: 'refusal',
      stopped: null,
    }
  const tools = toolsToCall(prompt, script)
  if (tools.length > 0) {
    const calls = tools.map(({ name, schema }, at) => ({
      id: hash('sha256', `${seed} ${index} ${at}`, 'hex').slice(0, 24),
      name,
      arguments: chunks(
        JSON.stringify(sample({ type: 'object', ...schema }, excerpt(prompt.lastUser) || 'something')),
        12,
      ),
    }))
    return { text: [], calls, finish: 'tools', stopped: null }
  }
  const whole = script.length === null ? compose(prompt, seed) : longText(script.length)
  const { text, stopped } = cutAtStop(index === 0 ? whole : `${whole} (Answer ${index + 1}.)`, prompt.stop)
  const all = pieces(text)
  const taken = take(script.length === null ? all : all.slice(0, script.length), room)
  const short = taken.length < (script.length === null ? all.length : Math.min(all.length, script.length))
  return { text: taken, calls: [], finish: short ? 'length' : 'stop', stopped: short ? null : stopped }
}

const compose = (prompt: Prompt, seed: string): string => {
  if (prompt.schema) {
    const words = excerpt(prompt.lastUser)
    return JSON.stringify(Object.keys(prompt.schema).length === 0 ? { answer: words } : sample(prompt.schema, words))
  }
  if (prompt.toolResult !== null)
    return `The tool answered: “${excerpt(prompt.toolResult)}”. That is all I wanted to know.`
  const remark = remarks[Number.parseInt(seed.slice(0, 8), 16) % remarks.length]!
  const sentences = [prompt.lastUser === '' ? 'You wrote nothing at all.' : `You wrote: “${excerpt(prompt.lastUser)}”.`]
  if (prompt.images > 0)
    sentences.push(prompt.images === 1 ? 'You showed me a picture.' : `You showed me ${prompt.images} pictures.`)
  if (prompt.userTurns > 1) sentences.push(`This is turn ${prompt.userTurns} of our conversation.`)
  return [...sentences, remark].join(' ')
}

const thoughts = (prompt: Prompt): string =>
  `The message has ${pieces(prompt.lastUser).length} tokens${prompt.system === '' ? '' : ' and there are instructions to follow'}. I could think about it, or quote it. I will quote it.`

const longText = (tokens: number): string => {
  const sentence = ' The quick brown fox jumps over the lazy dog.'
  return sentence.repeat(Math.ceil(tokens / pieces(sentence).length)).trimStart()
}

/** Which tools this answer calls: the named one; else, where a call is wanted, those the user names, or the first. */
const toolsToCall = (prompt: Prompt, script: Script): Prompt['tools'] => {
  const { tools, toolChoice, lastUser } = prompt
  if (toolChoice.mode === 'named') return tools.filter(({ name }) => name === toolChoice.name)
  if (tools.length === 0 || toolChoice.mode === 'none' || prompt.toolResult !== null) return []
  const mentioned = tools.filter(({ name }) => lastUser.includes(name))
  const wanted =
    toolChoice.mode === 'required' || script.callsTools || mentioned.length > 0 || /\btools?\b/i.test(lastUser)
  if (!wanted) return []
  const called = mentioned.length > 0 ? mentioned : /\b(all|every|each)\b/i.test(lastUser) ? tools : tools.slice(0, 1)
  return prompt.parallel ? called : called.slice(0, 1)
}

const cutAtStop = (
  text: string,
  stop: readonly string[],
): { readonly text: string; readonly stopped: string | null } => {
  let best: { at: number; word: string } | null = null
  for (const word of stop) {
    const at = word === '' ? -1 : text.indexOf(word)
    if (at !== -1 && (best === null || at < best.at)) best = { at, word }
  }
  return best === null ? { text, stopped: null } : { text: text.slice(0, best.at), stopped: best.word }
}

/** Pieces of at most `size` characters, never inside a surrogate pair. */
const chunks = (text: string, size: number): string[] => text.match(new RegExp(`[^]{1,${size}}`, 'gu')) ?? []
