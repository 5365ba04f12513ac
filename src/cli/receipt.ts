import type { Explanation } from '../core/pricing/schemas.ts'
import type { ExplainView } from '../core/usage/schemas.ts'
import { showAttempts } from './attempts.ts'
import type { Output } from './output.ts'
import { safe } from './text.ts'
import { count, milliseconds, moment } from './show.ts'

type Line = Explanation['lines'][number]

/** Tokens by kind × price = amount, the exact sum, and the one rounding. */
export const showCharge = async (charge: Explanation, output: Output): Promise<void> => {
  await output.sheet<Line>(
    [
      { title: 'WHAT', value: (line) => line.what },
      { title: 'QUANTITY', value: (line) => count(line.quantity), right: true },
      { title: 'PRICE', value: (line) => `${line.price} ${line.per === 1 ? 'each' : 'per million'}`, right: true },
      { title: 'AMOUNT', value: (line) => line.amount, right: true },
    ],
    charge.lines,
    'Nothing was counted.',
  )
  output.line(`${output.paint.dim('exact sum')}    ${safe(charge.exact)}`)
  output.line(`${output.paint.dim('rounded up')}   ${output.paint.bold(`${safe(charge.total)} credits`)}`)
}

/** The accounts of the house have names; the other side is the wallet that pays. */
const account = (name: string): string => (name.startsWith('house:') ? name : 'wallet')

/** Why a request cost what it cost, to be read from top to bottom like a receipt. */
export const showReceipt = async (receipt: ExplainView, output: Output): Promise<void> => {
  const { request, hold, price } = receipt
  const { paint } = output
  const heading = (text: string): void => output.line(`\n${paint.bold(text)}`)
  output.line(paint.bold(`Receipt for ${safe(request.id)}`))
  output.fields([
    [
      'when',
      `${moment(request.at)} UTC, took ${milliseconds(request.duration_ms)}${request.first_byte_ms === null ? '' : `, first byte after ${milliseconds(request.first_byte_ms)}`}`,
    ],
    ['who', `${request.user.email ?? request.user.id}, key ${request.key.name ?? request.key.id}`],
    ['asked for', `${request.model} (${request.client_protocol}${request.stream ? ', streamed' : ''})`],
    [
      'answered by',
      request.provider &&
        `${request.provider.name ?? request.provider.id}/${request.target_model ?? '?'} (${request.provider_protocol ?? '?'})`,
    ],
    ['outcome', [request.status, request.error_code, request.finish].filter((part) => part !== null).join(' ')],
    [
      'warnings',
      request.warnings.length > 0
        ? request.warnings
            .map((warning) => (typeof warning === 'string' ? warning : JSON.stringify(warning)))
            .join('; ')
        : null,
    ],
  ])
  await showAttempts(receipt.attempts, output)
  heading('Price')
  if (price === null) output.line('free')
  else await showCharge(receipt, output)
  if (receipt.usage_quality !== 'exact')
    output.line(
      paint.dim(
        receipt.usage_quality === 'estimated'
          ? 'The tokens were estimated from what was delivered.'
          : 'Nothing was delivered.',
      ),
    )
  heading('Money')
  output.fields([
    ['held', hold ? `${hold.amount} credits before the request went out (${hold.id})` : 'nothing'],
    ['charged', `${receipt.cost} credits`],
    ['released', hold && `${hold.released} credits`],
    ['written off', receipt.written_off === '0' ? null : `${receipt.written_off} credits, borne by the house`],
    ['state', hold?.state],
  ])
  if (receipt.transfers.length > 0) {
    heading('In the books')
    await output.sheet<ExplainView['transfers'][number]>(
      [
        { title: 'KIND', value: (row) => row.kind },
        { title: 'FROM', value: (row) => account(row.from) },
        { title: 'TO', value: (row) => account(row.to) },
        { title: 'AMOUNT', value: (row) => row.amount, right: true },
        { title: 'ID', value: (row) => row.id },
      ],
      receipt.transfers,
      '',
    )
  }
  for (const note of receipt.notes) output.line(`\n${safe(note)}`)
}
