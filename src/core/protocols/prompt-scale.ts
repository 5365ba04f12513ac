import type { ScanWatcher } from './json-scan.ts'
import { type Kind, kindOf } from './prompt-keys.ts'
import { mediaOf, startsData } from './prompt-media.ts'

/** What the prompt of a body is made of, as far as one look at it tells. Nothing here bounds a charge: it is for estimates. */
export interface PromptWeight {
  /** Bytes of text in UTF-8, whatever escapes it was written with: what is said, calls and results. */
  readonly text: number
  /** Bytes of the definitions of tools and of schemas of answers. */
  readonly definitions: number
  /** The body defines tools. */
  readonly hasTools: boolean
  /** Messages, and instructions as one more. */
  readonly messages: number
  readonly images: number
  readonly documents: number
  /** Bytes of the documents that are in the body. */
  readonly documentBytes: number
  /** Bytes of recordings. */
  readonly audioBytes: number
}

type Field = 'conversation' | 'instructions' | 'tools' | 'format'

/** The top-level fields of all protocols that the model reads. */
const fields: ReadonlyMap<string, Field> = new Map([
  ['messages', 'conversation'],
  ['input', 'conversation'],
  ['contents', 'conversation'],
  ['system', 'instructions'],
  ['instructions', 'instructions'],
  ['systemInstruction', 'instructions'],
  ['system_instruction', 'instructions'],
  ['tools', 'tools'],
  ['functions', 'tools'],
  ['response_format', 'format'],
  ['text', 'format'],
  ['output_config', 'format'],
  ['output_format', 'format'],
  ['generationConfig', 'format'],
  ['generation_config', 'format'],
])

/** Nothing counts; strings count by their key; all of the JSON counts. */
const silent = 0
const spoken = 1
const whole = 2

/** A page in base64 has about twice the tokens of a text of its length. */
const pageFactor = 2

/** Weighs a body while it is scanned (json-scan.ts): a few comparisons for each key and value, and none for their bytes. */
export class PromptScale implements PromptWeight, ScanWatcher {
  text = 0
  definitions = 0
  hasTools = false
  messages = 0
  images = 0
  documents = 0
  documentBytes = 0
  audioBytes = 0
  #field: Field | undefined
  #mode = silent
  /** The depth that has the mode; beyond it the field's own is taken up again. 0: it is the field's own. */
  #modeDepth = 0
  #depth = 0
  #isList = false
  #isInput = false
  #pagesAreSealed = false
  /** Text in front of the object at hand, which does not count when it turns out to be thinking. */
  #before = 0
  #isThought = false
  /** How the next value counts, and how the object around it did. */
  #kind: Kind = 'text'
  #around: Kind = 'text'
  /** Bytes that the escapes of the string at hand take beyond those of what they mean. */
  #spare = 0

  field(name: string): void {
    this.#field = fields.get(name)
    this.#mode = this.#ownMode()
    this.#modeDepth = 0
    this.#depth = 0
    this.#isInput = name === 'input'
    this.#pagesAreSealed = name === 'messages'
    this.#isThought = false
    this.#kind = 'text'
    this.#around = 'text'
    this.#spare = 0
    if (this.#field === 'instructions') this.messages++
  }

  escape(bytes: Buffer, from: number, end: number): void {
    this.#spare += end - from - (end - from === 2 ? 1 : utf8Bytes(bytes, from + 2))
  }

  key(bytes: Buffer, from: number, end: number): void {
    if (this.#mode === whole) this.#add(end - from + 1 - this.#spare)
    else if (this.#field !== undefined && this.#modeDepth === 0) {
      this.#kind = kindOf(bytes, from + 1, end - 1)
      if (this.#kind === 'role' && this.#isInput && this.#depth === 2) this.messages++
    }
    this.#spare = 0
  }

  open(isObject: boolean): void {
    if (this.#field === undefined) return
    const depth = ++this.#depth
    if (depth === 1) this.#isList = !isObject
    if (this.#field === 'conversation' && isObject && !this.#isInput && depth === (this.#isList ? 2 : 1))
      this.messages++
    if (this.#modeDepth === 0 && this.#mode !== whole) {
      if (this.#kind === 'json' && isObject) this.#enter(whole)
      else if (this.#kind === 'unread') this.#enter(silent)
      else if (isObject) {
        this.#around = this.#kind
        this.#kind = 'text'
        this.#before = this.text
        this.#isThought = false
      }
    }
    if (this.#mode === whole) this.#add(1)
    if (this.#field === 'tools') this.hasTools = true
  }

  close(): void {
    if (this.#field === undefined) return
    if (this.#mode === whole) this.#add(1)
    if (this.#isThought) this.text = this.#before
    this.#isThought = false
    if (this.#depth-- === this.#modeDepth) {
      this.#mode = this.#ownMode()
      this.#modeDepth = 0
    }
    this.#kind = 'text'
    this.#around = 'text'
  }

  value(bytes: Buffer, from: number, end: number): void {
    const spare = this.#spare
    this.#spare = 0
    if (this.#mode === silent) return
    if (this.#mode === whole) {
      this.#add(end - from + 1 - spare)
      return
    }
    if (this.#kind === 'thought' && bytes[from] === 0x74) this.#isThought = true
    if (this.#depth === 0 && this.#field === 'conversation') this.messages++
    if (bytes[from] === 0x22) this.#weigh(bytes, from + 1, end - 1, spare)
  }

  #add(bytes: number): void {
    if (this.#field === 'conversation') this.text += bytes
    else this.definitions += bytes
  }

  #ownMode(): number {
    if (this.#field === undefined || this.#field === 'format') return silent
    return this.#field === 'tools' ? whole : spoken
  }

  #enter(mode: number): void {
    this.#mode = mode
    this.#modeDepth = this.#depth
  }

  #weigh(bytes: Buffer, from: number, end: number, spare: number): void {
    switch (this.#kind) {
      case 'word':
      case 'role':
      case 'unread':
      case 'thought':
        return
      case 'sealed':
        if (this.#pagesAreSealed) this.text += (end - from) * pageFactor
        return
      case 'data':
        return this.#weighMedia(bytes, from, end, spare)
      case 'url':
      case 'image':
        if (startsData(bytes, from)) return this.#weighMedia(bytes, from, end, spare)
        if (this.#kind === 'image' || this.#around === 'image' || this.#around === 'source') this.images++
        else this.text += end - from - spare
        return
      case 'remote':
        this.images++
        return
      case 'remote-document':
        this.documents++
        return
      case 'text':
      case 'json':
      case 'source':
        this.text += end - from - spare
    }
  }

  #weighMedia(bytes: Buffer, from: number, end: number, spare: number): void {
    const media = mediaOf(bytes, from, end)
    switch (media.kind) {
      case 'image':
        this.images++
        return
      case 'document':
        this.documents++
        this.documentBytes += media.bytes
        return
      case 'audio':
        this.audioBytes += media.bytes
        return
      case 'text':
        this.text += media.bytes - spare
        return
      case 'sealed':
    }
  }
}

/** Bytes in UTF-8 of what four hexadecimal digits mean; each half of a pair is half of four. */
const utf8Bytes = (bytes: Buffer, from: number): number => {
  const high = (digit(bytes[from]!) << 4) | digit(bytes[from + 1]!)
  if (high >= 0xd8 && high <= 0xdf) return 2
  if (high >= 0x08) return 3
  return high > 0 || digit(bytes[from + 2]!) >= 8 ? 2 : 1
}

const digit = (byte: number): number => (byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57)
