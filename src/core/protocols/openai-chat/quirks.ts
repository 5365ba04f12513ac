import type { ProtocolId } from '../neutral/index.ts'
import type { ChatDialect } from './dialect.ts'

interface QuirkFacts {
  readonly id: string
  /** What the server does, or does not know. */
  readonly title: string
  /** `request`: what we send is changed, on both roads. `answer`: answers are repaired, which takes the road through the neutral form. */
  readonly side: 'request' | 'answer'
  /** The protocol in which it shows. Default: Chat Completions. */
  readonly protocol?: ProtocolId
  /** What of the dialect it sets. */
  readonly chat?: ChatDialect
}

/** How servers that speak OpenAI's protocols differ from OpenAI, each by a name that an operator can switch (protocols reference, parts 1 and 8). */
export const quirks = [
  {
    id: 'max-tokens-only',
    title: 'knows max_tokens only: max_completion_tokens is renamed',
    side: 'request',
    chat: { maxTokensField: 'max_tokens', renamesLimit: true },
  },
  {
    id: 'max-tokens-first',
    title: 'may be too old for max_completion_tokens: a limit that the gateway adds is max_tokens',
    side: 'request',
    chat: { maxTokensField: 'max_tokens' },
  },
  {
    id: 'no-stream-options',
    title: 'refuses stream_options: usage is not asked for in streams',
    side: 'request',
    chat: { noStreamOptions: true },
  },
  {
    id: 'tool-choice-any',
    title: 'says "any" where OpenAI says "required"',
    side: 'request',
    chat: { toolChoiceAny: true },
  },
  {
    id: 'system-not-developer',
    title: 'knows no developer messages: they are sent as system messages',
    side: 'request',
    chat: { systemNotDeveloper: true },
  },
  {
    id: 'nine-char-call-ids',
    title: 'takes ids of calls of nine letters and digits only: others become a hash',
    side: 'request',
    chat: { nineCharCallIds: true },
  },
  {
    id: 'reasoning-content-back',
    title: 'wants reasoning_content back with earlier calls of tools, empty when there is none',
    side: 'request',
    chat: { reasoningField: 'reasoning_content', reasoningWithCalls: true },
  },
  {
    id: 'reasoning-back',
    title: 'takes earlier reasoning back as reasoning',
    side: 'request',
    chat: { reasoningField: 'reasoning' },
  },
  { id: 'missing-tool-index', title: 'streams calls of tools without index', side: 'answer' },
  { id: 'missing-first-role', title: 'begins streams without a role', side: 'answer' },
  { id: 'usage-on-every-chunk', title: 'repeats usage on every chunk', side: 'answer' },
  { id: 'no-done', title: 'ends streams without [DONE]', side: 'answer' },
  {
    id: 'empty-finish-reason',
    title: 'ends answers with an empty or unknown finish_reason',
    side: 'answer',
    chat: { endsUnnamed: true },
  },
  { id: 'error-in-chunk', title: 'tells errors on an ordinary chunk', side: 'answer' },
  { id: 'error-as-array', title: 'tells errors in a list', side: 'answer' },
  { id: 'rotating-ids', title: 'changes the id of the answer inside one stream', side: 'answer' },
  { id: 'content-as-parts', title: 'answers with a list of parts where a text belongs', side: 'answer' },
  { id: 'empty-content-with-calls', title: 'sends an empty text beside calls of tools', side: 'answer' },
  {
    id: 'think-tags',
    title: 'writes its reasoning into the text, between <think> and </think>',
    side: 'answer',
    chat: { thinkTags: true },
  },
  {
    id: 'responses-events',
    title: 'streams Responses out of order: events without numbers, missing, behind the end, or under changing ids',
    side: 'answer',
    protocol: 'openai-responses',
  },
] as const satisfies readonly QuirkFacts[]

export type QuirkId = (typeof quirks)[number]['id']

export const quirkIds = quirks.map(({ id }) => id)

/** The quirks of one provider, ready for use. Made when the catalogue is loaded, not for each request. */
export interface Quirks {
  readonly ids: readonly QuirkId[]
  /** The protocols in which the server's answers need repair. */
  readonly repairs: readonly ProtocolId[]
  readonly chat: ChatDialect
}

export const quirksOf = (ids: readonly QuirkId[]): Quirks => {
  const on: readonly QuirkFacts[] = quirks.filter(({ id }) => ids.includes(id))
  return Object.freeze({
    ids: Object.freeze(quirkIds.filter((id) => ids.includes(id))),
    repairs: Object.freeze(on.filter(({ side }) => side === 'answer').map(({ protocol = 'openai-chat' }) => protocol)),
    chat: Object.freeze(Object.assign({}, ...on.map(({ chat }) => chat)) as ChatDialect),
  })
}

/** What an operator switched on or off, beside what the kind has. */
export type QuirkSwitches = { readonly [id in QuirkId]?: boolean | undefined }

export const switchQuirks = (ids: readonly QuirkId[], switches: QuirkSwitches): Quirks =>
  quirksOf(quirkIds.filter((id) => switches[id] ?? ids.includes(id)))
