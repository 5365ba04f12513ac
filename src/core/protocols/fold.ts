import type { Block, Finish, NeutralEvent, NeutralResponse, ProviderFailure, Usage } from './neutral/index.ts'

interface OpenChoice {
  readonly blocks: Block[]
  open: Block | undefined
  finish: Finish | undefined
}

const cut: ProviderFailure = {
  class: 'server',
  status: 502,
  code: 'upstream_disconnected',
  message: 'The provider ended the answer before it was complete.',
}

/** A whole stream as the answer it tells; its failure if it told one, or if it ended without a finish. */
export const fold = (events: Iterable<NeutralEvent>): NeutralResponse | ProviderFailure => {
  let id = ''
  let model = ''
  let created: number | undefined
  let usage: Usage | undefined
  const choices: OpenChoice[] = []
  const choiceAt = (index: number): OpenChoice =>
    (choices[index] ??= { blocks: [], open: undefined, finish: undefined })

  for (const event of events) {
    switch (event.type) {
      case 'start':
        id = event.id
        model = event.model
        created = event.created
        break
      case 'usage':
        usage = event.usage
        break
      case 'block-start':
        choiceAt(event.choice).open = openBlock(event.block)
        break
      case 'block-delta': {
        const choice = choiceAt(event.choice)
        if (choice.open) choice.open = extend(choice.open, event.delta)
        break
      }
      case 'block-stop': {
        const choice = choiceAt(event.choice)
        if (choice.open) choice.blocks.push(choice.open)
        choice.open = undefined
        break
      }
      case 'finish':
        choiceAt(event.choice).finish = event.finish
        break
      case 'error':
        return event.error
      case 'end':
        break
    }
  }

  const whole: { blocks: Block[]; finish: Finish }[] = []
  for (const choice of choices) {
    if (!choice?.finish) return cut
    whole.push({ blocks: choice.blocks, finish: choice.finish })
  }
  if (whole.length === 0) return cut
  return { id, model, ...(created !== undefined && { created }), choices: whole, ...(usage && { usage }) }
}

type StartedBlock = Extract<NeutralEvent, { type: 'block-start' }>['block']
type Delta = Extract<NeutralEvent, { type: 'block-delta' }>['delta']

const openBlock = (block: StartedBlock): Block => {
  switch (block.kind) {
    case 'text':
    case 'refusal':
    case 'thinking':
      return { ...block, text: '' }
    case 'tool-call':
      return { ...block, arguments: '' }
    case 'opaque':
      return block
  }
}

const extend = (block: Block, delta: Delta): Block => {
  switch (delta.kind) {
    case 'text':
      return 'text' in block ? { ...block, text: block.text + delta.text } : block
    case 'arguments':
      return block.kind === 'tool-call' ? { ...block, arguments: block.arguments + delta.json } : block
    case 'signature':
      return block.kind === 'thinking' ? { ...block, signature: (block.signature ?? '') + delta.signature } : block
    case 'citation':
      return block.kind === 'text' ? { ...block, citations: [...(block.citations ?? []), delta.citation] } : block
  }
}

/** An answer as the stream that would tell it; `fold` of it gives the answer back. */
export const unfold = (response: NeutralResponse): NeutralEvent[] => {
  const { id, model, created, usage } = response
  const events: NeutralEvent[] = [{ type: 'start', id, model, ...(created !== undefined && { created }) }]
  for (const [choice, { blocks, finish }] of response.choices.entries()) {
    for (const [index, block] of blocks.entries()) {
      events.push({ type: 'block-start', choice, index, block: startOf(block) })
      for (const delta of deltasOf(block)) events.push({ type: 'block-delta', choice, index, delta })
      events.push({ type: 'block-stop', choice, index })
    }
    events.push({ type: 'finish', choice, finish })
  }
  if (usage) events.push({ type: 'usage', usage })
  events.push({ type: 'end' })
  return events
}

const startOf = (block: Block): StartedBlock => {
  switch (block.kind) {
    case 'text':
    case 'refusal':
      return { kind: block.kind }
    case 'thinking':
      return {
        kind: 'thinking',
        ...(block.redacted !== undefined && { redacted: block.redacted }),
        ...(block.signedBy && { signedBy: block.signedBy }),
        ...(block.id !== undefined && { id: block.id }),
      }
    case 'tool-call':
      return { kind: 'tool-call', id: block.id, name: block.name, ...(block.custom && { custom: block.custom }) }
    case 'opaque':
      return block
  }
}

const deltasOf = (block: Block): Delta[] => {
  const deltas: Delta[] = []
  if ('text' in block && block.text !== '') deltas.push({ kind: 'text', text: block.text })
  if (block.kind === 'tool-call' && block.arguments !== '') deltas.push({ kind: 'arguments', json: block.arguments })
  if (block.kind === 'thinking' && block.signature !== undefined)
    deltas.push({ kind: 'signature', signature: block.signature })
  if (block.kind === 'text') for (const citation of block.citations ?? []) deltas.push({ kind: 'citation', citation })
  return deltas
}
