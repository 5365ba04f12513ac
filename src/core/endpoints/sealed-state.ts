import { z } from 'zod'
import type { Sealer } from '../kernel/secrets.ts'
import { traitsOf } from '../protocols/gemini/model-name.ts'
import type {
  BlockStart,
  NeutralEvent,
  NeutralRequest,
  NeutralResponse,
  Part,
  ProtocolId,
  ThinkingPart,
  Warning,
} from '../protocols/neutral/index.ts'
import { isSealed, sealPrefix } from '../protocols/sealed.ts'

/**
 * Models give their reasoning back to themselves through the client: signed, encrypted, and accepted only unchanged. A client of another protocol carries it for us,
 * sealed, in the place where its own protocol has such state (`signature`, `encrypted_content`, `thoughtSignature`, `reasoning_details`); when it comes back for the model
 * that made it, it is restored byte for byte, and for any other it is dropped with a warning. Nothing is stored here, and no tool id is used to carry anything.
 */
export interface ReasoningState {
  readonly protocol: ProtocolId
  readonly provider: string
  readonly family: string
  readonly text: string
  readonly signature?: string | undefined
  readonly redacted?: string | undefined
  readonly id?: string | undefined
}

/** Whose state it is. `provider` counts only where the state is bound to an account (Responses). */
export type StateOwner = Pick<ReasoningState, 'protocol' | 'provider' | 'family'>

const stateShape = z.object({
  protocol: z.enum(['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini', 'bedrock-converse']),
  provider: z.string(),
  family: z.string(),
  text: z.string(),
  signature: z.string().optional(),
  redacted: z.string().optional(),
  id: z.string().optional(),
})

/**
 * The models that can read each other's state, whichever cloud serves them.
 *
 * - Claude: all. The API takes the thinking of any Claude model and itself leaves out what another one cannot use
 *   (https://platform.claude.com/docs/en/build-with-claude/extended-thinking).
 * - Gemini: one generation, as `gemini-2.5` or `gemini-3` (3.1 is of it): 3 demands signatures that are its own, and 2.5 knows nothing of them
 *   (https://ai.google.dev/gemini-api/docs/thought-signatures). Names that move with time are of the newest.
 * - OpenAI's encrypted reasoning is bound to the account more than to the model (`belongsTo`); `gpt` is one family, every `o` its own.
 * - The others tell their reasoning as plain text, which any model of the same maker may read.
 */
export const familyOf = (model: string): string => {
  const { version } = traitsOf(model)
  if (version !== undefined) return `gemini-${version >= 3 ? Math.floor(version) : version}`
  const known = /(claude|gemini|gpt|grok|deepseek|qwen|nova|mistral|magistral|kimi|glm)/i.exec(model)
  return known ? known[0].toLowerCase() : model.toLowerCase().replace(/[-_.:@/].*$/, '')
}

export const ownerOf = (protocol: ProtocolId, provider: string, model: string): StateOwner => ({
  protocol,
  provider,
  family: familyOf(model),
})

export const sealState = (sealer: Sealer, state: ReasoningState): string => {
  const sealed = sealer.seal(Buffer.from(JSON.stringify(state)))
  return sealPrefix + sealed.toString('base64')
}

/** Undefined when it was not sealed here, or not by this master key. Either alphabet of base64 is read: SDKs turn one into the other. */
export const openState = (sealer: Sealer, text: string): ReasoningState | undefined => {
  const plain = sealer.open(Buffer.from(text.slice(sealPrefix.length), 'base64'))
  if (!plain) return undefined
  const read = stateShape.safeParse(JSON.parse(plain.toString('utf8')))
  return read.success ? read.data : undefined
}

export const belongsTo = (state: ReasoningState, owner: StateOwner): boolean =>
  state.protocol === owner.protocol &&
  state.family === owner.family &&
  (state.protocol !== 'openai-responses' || state.provider === owner.provider)

/** The request with all sealed state opened: restored for the model that made it, reduced to its text for any other. */
export const openStates = (
  request: NeutralRequest,
  sealer: Sealer,
  target: StateOwner,
): { readonly request: NeutralRequest; readonly warnings: readonly Warning[] } => {
  const warnings: Warning[] = []
  const open = (part: ThinkingPart, sealed: string): ThinkingPart => {
    const state = openState(sealer, sealed)
    const { path, cache, extensions } = part
    const place = { ...(path !== undefined && { path }), ...(cache && { cache }), ...(extensions && { extensions }) }
    if (state && belongsTo(state, target)) {
      const { text, signature, redacted, id } = state
      return {
        type: 'thinking',
        ...place,
        text,
        signedBy: state.protocol,
        ...(signature !== undefined && { signature }),
        ...(redacted !== undefined && { redacted }),
        ...(id !== undefined && { id }),
      }
    }
    if (carriesState(state)) warnings.push(lostState(part.path ?? 'messages', state))
    return { type: 'thinking', ...place, text: state?.text ?? part.text, ...(state && { signedBy: state.protocol }) }
  }
  const openAll = (parts: readonly Part[]): Part[] => {
    const opened: Part[] = []
    for (const part of parts) {
      const sealed = part.type === 'thinking' ? sealedIn(part) : undefined
      if (part.type !== 'thinking' || sealed === undefined) {
        opened.push(part)
        continue
      }
      const restored = open(part, sealed)
      // The text that was shown beside its state is the same reasoning once more.
      const before = opened.at(-1)
      const shown = before?.type === 'thinking' && before.signature === undefined && before.redacted === undefined
      if (shown && before.text === restored.text) opened.pop()
      if (restored.text !== '' || restored.signature !== undefined || restored.redacted !== undefined)
        opened.push(restored)
    }
    return opened
  }
  const carries = request.messages.some(({ parts }) =>
    parts.some((part) => part.type === 'thinking' && sealedIn(part) !== undefined),
  )
  if (!carries) return { request, warnings }
  const messages = request.messages.map((message) =>
    message.role === 'assistant' ? { ...message, parts: openAll(message.parts) } : message,
  )
  return { request: { ...request, messages: messages.filter(({ parts }) => parts.length > 0) }, warnings }
}

/** Whether something is lost with it; text alone is for people to read. What cannot be opened may hold anything. */
const carriesState = (state: ReasoningState | undefined): boolean =>
  state === undefined ||
  state.protocol === 'openai-chat' ||
  state.signature !== undefined ||
  state.redacted !== undefined

export const lostState = (path: string, state: ReasoningState | undefined): Warning => ({
  path,
  action: 'dropped',
  reason: `sealed reasoning: ${state ? 'it was made by another model' : 'it was not sealed by this gateway'}`,
})

const sealedIn = ({ signature, redacted }: ThinkingPart): string | undefined =>
  [signature, redacted].find((text) => text !== undefined && isSealed(text))

type ThinkingStart = Extract<BlockStart, { kind: 'thinking' }>

/**
 * Seals the state in the events of one answer. Reasoning without any is sealed too: some chat servers demand their plain text back (DeepSeek), and unsealed it could not be
 * told from what the next provider itself said, which refuses it.
 */
export class StateSeal {
  readonly #sealer: Sealer
  readonly #owner: StateOwner
  readonly #open = new Map<number, { readonly start: ThinkingStart; text: string; sealed: boolean }>()

  constructor(sealer: Sealer, owner: StateOwner) {
    this.#sealer = sealer
    this.#owner = owner
  }

  push(event: NeutralEvent): readonly NeutralEvent[] {
    switch (event.type) {
      case 'block-start': {
        if (event.block.kind !== 'thinking') return [event]
        this.#open.set(event.choice, { start: event.block, text: '', sealed: false })
        const { redacted } = event.block
        if (redacted === undefined) return [event]
        return [{ ...event, block: { kind: 'thinking' } }, this.#seal(event, { redacted })]
      }
      case 'block-delta': {
        const open = this.#open.get(event.choice)
        if (!open) return [event]
        if (event.delta.kind === 'text') open.text += event.delta.text
        return event.delta.kind === 'signature' ? [this.#seal(event, { signature: event.delta.signature })] : [event]
      }
      case 'block-stop': {
        const open = this.#open.get(event.choice)
        this.#open.delete(event.choice)
        if (!open || open.sealed || open.text === '') return [event]
        this.#open.set(event.choice, open)
        const sealed = this.#seal(event, {})
        this.#open.delete(event.choice)
        return [sealed, event]
      }
      case 'start':
      case 'usage':
      case 'finish':
      case 'error':
      case 'end':
        return [event]
    }
  }

  #seal(
    { choice, index }: { readonly choice: number; readonly index: number },
    state: Pick<ReasoningState, 'signature' | 'redacted'>,
  ): NeutralEvent {
    const open = this.#open.get(choice)!
    open.sealed = true
    const { id } = open.start
    const signature = sealState(this.#sealer, { ...this.#owner, text: open.text, id, ...state })
    return { type: 'block-delta', choice, index, delta: { kind: 'signature', signature } }
  }
}

/** The same for a whole answer. */
export const sealResponse = (response: NeutralResponse, sealer: Sealer, owner: StateOwner): NeutralResponse => ({
  ...response,
  choices: response.choices.map(({ finish, blocks }) => ({
    finish,
    blocks: blocks.map((block) => {
      if (block.kind !== 'thinking') return block
      const { text, signature, redacted, id } = block
      const bare = signature === undefined && redacted === undefined
      if (bare && text === '') return block
      return { kind: 'thinking', text, signature: sealState(sealer, { ...owner, text, signature, redacted, id }) }
    }),
  })),
})
