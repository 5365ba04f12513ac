import type { ExplainView, RecordView, RequestView } from '../../core/usage/schemas.ts'
import type { Given } from '../given.ts'
import { listOptions, listVerb } from '../list.ts'
import { showReceipt } from '../receipt.ts'
import { count, milliseconds, moment } from '../show.ts'
import { filterOptions, readListFilter, recordColumns, statusOption } from '../usage-filter.ts'
import { operationVerb } from '../verb.ts'
import type { Noun } from '../verb.ts'

const named = (given: Given): { request: string } => ({ request: given.arg('request') })

export const requests: Noun = {
  name: 'requests',
  summary: 'single requests: where they went and why they cost what they cost',
  verbs: [
    listVerb<RecordView>({
      usage: 'list',
      summary: 'The request log, the newest first',
      operation: 'requests.list',
      options: [...filterOptions, statusOption, ...listOptions],
      examples: [['requests list --status error --from 24h', 'what went wrong today']],
      input: readListFilter,
      columns: recordColumns,
      empty: 'No requests.',
    }),
    operationVerb<RequestView>({
      usage: 'show <request>',
      summary: 'One request with its route',
      operation: 'requests.show',
      examples: [['requests show req_01k…', 'the id is in the x-gateway-request-id header of the answer']],
      input: named,
      show: (request, { output }) =>
        output.fields([
          ['id', request.id],
          ['when', `${moment(request.at)} UTC`],
          ['user', request.user.email ?? request.user.id],
          ['key', request.key.name ?? request.key.id],
          ['model', request.model],
          ['protocol', `${request.client_protocol}${request.stream ? ', streamed' : ''}`],
          ['provider', request.provider && (request.provider.name ?? request.provider.id)],
          ['real model', request.target_model],
          ['spoken there', request.provider_protocol],
          ['provider key', request.provider_key && (request.provider_key.label ?? request.provider_key.id)],
          ['status', request.error_code ? `${request.status} ${request.error_code}` : request.status],
          ['finish', request.finish],
          ['duration', milliseconds(request.duration_ms)],
          ['first byte', milliseconds(request.first_byte_ms)],
          ['input', `${count(request.tokens.input)} tokens`],
          ['output', `${count(request.tokens.output)} tokens`],
          ['cost', `${request.cost} credits (${request.usage_quality})`],
          ["client's id", request.client_request_id],
          ["provider's id", request.upstream_id],
          ['warnings', request.warnings.length > 0 ? JSON.stringify(request.warnings) : null],
        ]),
    }),
    operationVerb<ExplainView>({
      usage: 'explain <request>',
      summary: 'The receipt: route, tokens × price, rounding, hold, cost',
      operation: 'requests.explain',
      examples: [['requests explain req_01k…', 'why it cost what it cost']],
      input: named,
      show: (receipt, { output }) => showReceipt(receipt, output),
    }),
  ],
}
