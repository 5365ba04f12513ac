import { removeFields, scanObject, splice } from '../protocols/json-scan.ts'
import { filterBetas } from './anthropic-headers.ts'

/**
 * Betas that clouds know, by their names without the date; any other makes them refuse the request. The names that a client sends by habit (`claude-code-…`,
 * `prompt-caching-…`) are left out.
 */
const cloudBetas =
  /^(?:computer-use|token-efficient-tools|interleaved-thinking|output-128k|dev-full-thinking|context-1m|context-management|effort|tool-search-tool|tool-examples|fine-grained-tool-streaming|structured-outputs|compact)-\d{4}/

/** The client's `anthropic-beta` as a cloud takes it; empty when nothing is left. */
export const cloudBetasOf = (header: string | undefined): string[] =>
  (filterBetas(header ?? '') ?? '').split(',').filter((name) => cloudBetas.test(name))

interface CloudCall {
  /** `anthropic_version` of the cloud. */
  readonly version: string
  readonly betas?: readonly string[]
  /** The cloud wants `stream` in the body too. */
  readonly keepsStream?: boolean
}

/** A Messages body as clouds take it: the model is in the path, the version of the API (and on Bedrock the betas) in the body. */
export const cloudBody = (body: Buffer, { version, betas = [], keepsStream = false }: CloudCall): Buffer => {
  const scanned = scanObject(body)
  const added = `,"anthropic_version":${JSON.stringify(version)}${betas.length > 0 ? `,"anthropic_beta":${JSON.stringify(betas)}` : ''}`
  return splice(body, [
    ...removeFields(scanned, ['model', 'anthropic_version', 'anthropic_beta', ...(keepsStream ? [] : ['stream'])]),
    { start: scanned.close, end: scanned.close, text: added },
  ])
}
