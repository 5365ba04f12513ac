import type { z } from 'zod'
import type { balanceView, bookedView, movementView, verifyView } from '../../core/ledger/schemas.ts'
import { GatewayError } from '../../core/kernel/errors.ts'
import type { Context } from '../context.ts'
import { given as only } from '../given.ts'
import type { Given } from '../given.ts'
import { listVerb, pageOptions } from '../list.ts'
import { count, moment } from '../show.ts'
import { operationVerb } from '../verb.ts'
import type { Noun } from '../verb.ts'

/** When a grant expires. A time from now is another one at each repeat, so it cannot go with a key that makes repeats safe. */
const repeatable = (given: Given, now: number): string | undefined => {
  const expires = given.moment('expires', now)
  if (given.text('idempotency-key') !== undefined && /^\d+[smhdw]$/.test(given.text('expires') ?? '')) {
    throw new GatewayError(
      'usage_error',
      'With --idempotency-key, --expires must be a date: a time from now is another one at each repeat.',
      {
        hint: `For example --expires ${expires!.slice(0, 10)}`,
      },
    )
  }
  return expires
}

type Booked = z.infer<typeof bookedView>
type Balance = z.infer<typeof balanceView>
type Movement = z.infer<typeof movementView>
type Verification = z.infer<typeof verifyView>

const named = (given: Given): { user: string } => ({ user: given.arg('user') })

const notZero = (amount: string): string => {
  if (/^-?0*\.?0*$/.test(amount)) throw new GatewayError('usage_error', '<amount> must not be zero.')
  return amount
}

const showBooked = (booked: Booked, { output }: Context): void =>
  output.fields([
    [booked.kind, `${signed(booked.amount)} credits`],
    ['user', booked.user.email],
    ['available', `${booked.balance.available} credits`],
    ['held', `${booked.balance.held} credits`],
    ['note', booked.note],
    ['id', booked.id],
  ])

const nonZero = (amount: string): string | null => (amount === '0' ? null : `${amount} credits`)

const signed = (amount: string): string => (amount.startsWith('-') ? amount : `+${amount}`)

export const credits: Noun = {
  name: 'credits',
  summary: 'prepaid credit: grants, balances, history, and the proof that the books are right',
  verbs: [
    operationVerb<Booked>({
      usage: 'grant <user> <amount>',
      summary: 'Give credits to a user',
      operation: 'credits.grant',
      options: [
        ['--note <text>', 'what for; kept in the history'],
        ['--expires <time>', 'unused credits are taken back then: 90d, 2027-01-31'],
      ],
      money: true,
      examples: [
        ['credits grant ada@example.com 25', 'as one credit is one dollar unless you say otherwise'],
        ['credits grant ada@example.com 5 --note "trial" --expires 30d', 'credits that expire'],
      ],
      input: (given, context) => ({
        ...named(given),
        amount: notZero(given.amount('amount')),
        ...only({ note: given.text('note'), expires_at: repeatable(given, context.now()) }),
      }),
      show: showBooked,
    }),
    operationVerb<Booked>({
      usage: 'adjust <user> <amount>',
      summary: 'Correct a balance, up or down',
      operation: 'credits.adjust',
      options: [['--note <text>', 'why (needed)']],
      money: true,
      examples: [['credits adjust ada@example.com -2.5 --note "booked twice by hand"', 'takes 2.5 credits']],
      input: (given) => ({
        ...named(given),
        amount: notZero(given.amount('amount', true)),
        note: given.required('note'),
      }),
      show: showBooked,
    }),
    operationVerb<Balance>({
      usage: 'balance <user>',
      summary: 'Balance of a user',
      operation: 'credits.balance',
      examples: [['credits balance ada@example.com --json', 'for a program']],
      input: named,
      show: (balance, { output }) =>
        output.fields([
          ['user', balance.user.email],
          ['available', `${balance.available} credits`],
          ['held', `${balance.held} credits`],
          ['granted', `${balance.granted} credits`],
          ['adjusted', nonZero(balance.adjusted)],
          ['spent', `${balance.spent} credits`],
          ['expired', nonZero(balance.expired)],
        ]),
    }),
    listVerb<Movement>({
      usage: 'history <user>',
      summary: 'Movements of a wallet, the newest first',
      operation: 'credits.history',
      options: pageOptions,
      examples: [['credits history ada@example.com --limit 20', 'the last 20 movements']],
      input: named,
      columns: [
        { title: 'TIME (UTC)', value: (row) => moment(row.created_at) },
        { title: 'KIND', value: (row) => row.kind },
        { title: 'AMOUNT', value: (row) => signed(row.amount), right: true },
        { title: 'BALANCE', value: (row) => row.balance_after, right: true },
        { title: 'REQUEST', value: (row) => row.request_id },
        { title: 'NOTE', value: (row) => row.note },
        { title: 'BY', value: (row) => row.actor },
        { title: 'ID', value: (row) => row.id },
      ],
      empty: 'Nothing has moved yet.',
    }),
    operationVerb<Booked>({
      usage: 'reverse <charge>',
      summary: 'Give back a charge, once',
      operation: 'credits.reverse',
      options: [['--note <text>', 'why; kept in the history']],
      money: true,
      examples: [['credits reverse req_01k… --note "answer was cut off"', 'by request or transfer id']],
      input: (given) => ({ charge: given.arg('charge'), ...only({ note: given.text('note') }) }),
      show: showBooked,
    }),
    operationVerb<Verification>({
      usage: 'verify',
      summary: 'Recompute the whole ledger; exit code 1 and the first bad row if it is wrong',
      operation: 'credits.verify',
      examples: [['credits verify', 'run it whenever you like; it changes nothing']],
      input: () => ({}),
      show(result, { output }) {
        const extent = `${count(result.accounts)} accounts, ${count(result.transfers)} transfers, ${count(result.holds_open)} open holds`
        if (result.ok)
          return output.line(`${output.paint.good('ok')}  every balance follows from its transfers: ${extent}`)
        output.line(`${output.paint.bad('WRONG')}  ${extent}`)
        for (const problem of result.problems) output.fields([['bad row', problem]])
      },
      exit: (result) => (result.ok ? 0 : 1),
    }),
  ],
}
