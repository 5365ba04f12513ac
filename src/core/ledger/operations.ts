import { defineOperation } from '../kernel/operation.ts'
import type { Operation } from '../kernel/operation.ts'
import type { WriteTransaction } from '../storage/storage.ts'
import type { Credits } from './credits.ts'
import {
  adjustInput,
  balanceInput,
  balanceView,
  bookedView,
  grantInput,
  historyInput,
  historyPage,
  reverseInput,
  verifyInput,
  verifyView,
} from './schemas.ts'

export interface CreditsDomains {
  readonly credits: Credits
}

const define = <Input, Output, Prepared = Input>(
  operation: Operation<CreditsDomains, Input, Output, WriteTransaction, Prepared>,
) => defineOperation(operation)

export const creditOperations = [
  define({
    id: 'credits.grant',
    method: 'POST',
    path: '/credits/grant',
    role: 'admin',
    summary: 'Give credits to a user',
    input: grantInput,
    output: bookedView,
    audit: 'credits.granted',
    money: true,
    run: ({ credits }, input, context) => credits.grant(input, context),
  }),
  define({
    id: 'credits.adjust',
    method: 'POST',
    path: '/credits/adjust',
    role: 'admin',
    summary: 'Correct a balance, up or down',
    input: adjustInput,
    output: bookedView,
    audit: 'credits.adjusted',
    money: true,
    run: ({ credits }, input, context) => credits.adjust(input, context),
  }),
  define({
    id: 'credits.reverse',
    method: 'POST',
    path: '/credits/reverse',
    role: 'admin',
    summary: 'Give back a charge, once',
    input: reverseInput,
    output: bookedView,
    audit: 'credits.reversed',
    money: true,
    prepare: async ({ credits }, { charge, note }) => ({ charge: await credits.findCharge(charge), note }),
    run: ({ credits }, { charge, note }, context) => credits.reverse(charge, note, context),
  }),
  define({
    id: 'credits.balance',
    method: 'GET',
    path: '/users/:user/credits',
    role: 'operator',
    summary: 'Balance of a user',
    input: balanceInput,
    output: balanceView,
    run: ({ credits }, { user }) => credits.balance(user),
  }),
  define({
    id: 'credits.history',
    method: 'GET',
    path: '/users/:user/credits/history',
    role: 'operator',
    summary: 'Movements of a wallet, the newest first',
    input: historyInput,
    output: historyPage,
    run: ({ credits }, input) => credits.history(input),
  }),
  define({
    id: 'credits.verify',
    method: 'GET',
    path: '/credits/verify',
    role: 'operator',
    summary: 'Recompute the whole ledger and name the first bad rows',
    input: verifyInput,
    output: verifyView,
    run: ({ credits }) => credits.verify(),
  }),
]
