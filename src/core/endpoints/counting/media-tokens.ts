import type { AudioPart, DocumentPart, ImagePart, ProtocolId, Source } from '../../protocols/neutral/index.ts'
import { imageSize, type Size } from './image-size.ts'

/** What an image is taken for whose size is not known: 1024 × 1024. */
const usualSize: Size = { width: 1024, height: 1024 }
/** Base64 characters read for the size of an image: a photo's own preview may stand in front of it. */
const sizeChars = 256 * 1024

/** Tokens of an image by the rule of the vendor whose protocol the provider speaks. */
export const imageTokens = ({ source, detail }: ImagePart, provider: ProtocolId): number =>
  tokensOfSize(sizeOf(source), detail, provider)

/** Tokens of an image that nobody looked at. */
export const unseenImageTokens = (provider: ProtocolId): number => tokensOfSize(usualSize, undefined, provider)

const tokensOfSize = (size: Size, detail: ImagePart['detail'], provider: ProtocolId): number => {
  if (provider === 'anthropic-messages' || provider === 'bedrock-converse') return anthropicImage(size)
  return provider === 'gemini' ? geminiImage(size) : openaiImage(size, detail === 'low')
}

/** Width × height / 750, of an image whose longer side is at most 1568 pixels (https://docs.anthropic.com/en/docs/build-with-claude/vision#calculate-image-costs). */
const anthropicImage = (size: Size): number => {
  const { width, height } = within(size, 1568)
  return Math.min(1600, Math.ceil((width * height) / 750))
}

/** 258 for a small image, and for each tile of 768 × 768 of another (https://ai.google.dev/gemini-api/docs/tokens#multimodal-tokens). */
const geminiImage = ({ width, height }: Size): number =>
  width <= 384 && height <= 384 ? 258 : Math.ceil(width / 768) * Math.ceil(height / 768) * 258

/**
 * 85, and 170 for each tile of 512 × 512 of the image fitted into 2048 × 2048 with its shorter side at most 768
 * (https://platform.openai.com/docs/guides/images-vision#calculating-costs).
 */
const openaiImage = (size: Size, low: boolean): number => {
  if (low) return 85
  const fitted = within(size, 2048)
  const scale = Math.min(1, 768 / Math.min(fitted.width, fitted.height))
  return 85 + 170 * Math.ceil((fitted.width * scale) / 512) * Math.ceil((fitted.height * scale) / 512)
}

const within = ({ width, height }: Size, side: number): Size => {
  const scale = Math.min(1, side / Math.max(width, height))
  return { width: width * scale, height: height * scale }
}

const sizeOf = (source: Source): Size =>
  (source.from === 'base64' ? imageSize(Buffer.from(source.data.slice(0, sizeChars), 'base64')) : undefined) ??
  usualSize

/** A page is some 2000 tokens (1500 to 3000: https://docs.anthropic.com/en/docs/build-with-claude/pdf-support), and taken for 50 000 bytes. */
const pageTokens = 2000
const pageBytes = 50_000

/** Documents that are no text; those are counted as such. */
export const documentTokens = ({ source }: DocumentPart): number =>
  tokensOfPages(Math.ceil(bytesOf(source) / pageBytes))

const tokensOfPages = (pages: number): number => pages * pageTokens

/** All documents of a request together, of which so many bytes are known: each has a page. */
export const allDocumentsTokens = (documents: number, bytes: number): number =>
  tokensOfPages(Math.max(documents, Math.ceil(bytes / pageBytes)))

/** 10 tokens a second (https://platform.openai.com/docs/guides/realtime-costs), taken for 16 000 bytes. */
export const audioTokens = ({ source }: AudioPart): number => recordingTokens(bytesOf(source))

export const recordingTokens = (bytes: number): number => Math.ceil(bytes / 1600)

/** Of what the body only points to, one page or three seconds. */
const bytesOf = (source: Source): number => (source.from === 'base64' ? (source.data.length * 3) / 4 : pageBytes)
