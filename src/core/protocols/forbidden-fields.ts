import { GatewayError } from '../kernel/errors.ts'
import type { ScannedObject } from './json-scan.ts'

/** Fields by which a client would choose where a request goes, to which other models, with whose credentials, or for how long. The same in every protocol. */
const forbidden = [
  'api_base',
  'base_url',
  'api_key',
  'custom_llm_provider',
  'extra_headers',
  'proxy',
  'organization',
  'timeout',
  'models',
  'fallbacks',
]

/** Throws `forbidden_field` for a top-level field that only an administrator may decide. */
export const refuseForbiddenFields = ({ fields }: ScannedObject): void => {
  for (const field of forbidden) {
    if (!fields.has(field)) continue
    const message = `"${field}" may not be sent: destinations, models and credentials are set by the gateway.`
    throw new GatewayError('forbidden_field', message, { param: field })
  }
}
