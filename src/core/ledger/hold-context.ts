import type { FrozenPrice, HoldContext } from './commands.ts'

/**
 * How a hold keeps its context: the values in a fixed order, as JSON. Their names would be most of it, and every request writes it four times: to the writer, into
 * the journal, the log and the table.
 */
type Packed = [
  userId: string,
  keyId: string,
  model: string,
  modelId: string,
  priceId: string | null,
  price: PackedPrice | null,
  clientProtocol: string,
  clientRequestId: string | null,
  stream: 0 | 1,
  estimatedInputTokens: number,
]

type PackedPrice = [
  input: number,
  output: number,
  cachedInput: number,
  cacheWrite5m: number,
  cacheWrite1h: number,
  reasoning: number,
  request: number,
]

export const packContext = (context: HoldContext): string =>
  JSON.stringify([
    context.userId,
    context.keyId,
    context.model,
    context.modelId,
    context.priceId,
    context.price && packPrice(context.price),
    context.clientProtocol,
    context.clientRequestId,
    context.stream ? 1 : 0,
    context.estimatedInputTokens,
  ] satisfies Packed)

/** Throws for what `packContext` did not write. */
export const unpackContext = (text: string): HoldContext => {
  const packed: unknown = JSON.parse(text)
  if (!isPacked(packed)) throw new TypeError('not the context of a hold')
  const [userId, keyId, model, modelId, priceId, price, clientProtocol, clientRequestId, stream, estimatedInputTokens] =
    packed
  return {
    userId,
    keyId,
    model,
    modelId,
    priceId,
    price: price && unpackPrice(price),
    clientProtocol,
    clientRequestId,
    stream: stream === 1,
    estimatedInputTokens,
  }
}

const isPacked = (value: unknown): value is Packed =>
  Array.isArray(value) && value.length === 10 && typeof value[0] === 'string' && typeof value[9] === 'number'

const packPrice = (price: FrozenPrice): PackedPrice => [
  price.input,
  price.output,
  price.cachedInput,
  price.cacheWrite5m,
  price.cacheWrite1h,
  price.reasoning,
  price.request,
]

const unpackPrice = (packed: PackedPrice): FrozenPrice => {
  const [input, output, cachedInput, cacheWrite5m, cacheWrite1h, reasoning, request] = packed
  return { input, output, cachedInput, cacheWrite5m, cacheWrite1h, reasoning, request }
}
