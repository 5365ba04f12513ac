import { defineOperation } from '../kernel/operation.ts'
import type { Operation } from '../kernel/operation.ts'
import type { WriteTransaction } from '../storage/storage.ts'
import { createdTokenView, createTokenInput, listTokensInput, tokenInput, tokensPage, tokenView } from './schemas.ts'
import type { AdminTokens } from './tokens.ts'

export interface TokensDomains {
  readonly tokens: AdminTokens
}

const define = <Input, Output>(operation: Operation<TokensDomains, Input, Output, WriteTransaction>) =>
  defineOperation(operation)

export const tokenOperations = [
  define({
    id: 'tokens.create',
    method: 'POST',
    path: '/tokens',
    role: 'admin',
    summary: 'Create an admin token; its secret is shown once',
    input: createTokenInput,
    output: createdTokenView,
    audit: 'token.created',
    run: ({ tokens }, input, context) => tokens.create(input, context),
  }),
  define({
    id: 'tokens.list',
    method: 'GET',
    path: '/tokens',
    role: 'admin',
    summary: 'List admin tokens, the newest first',
    input: listTokensInput,
    output: tokensPage,
    run: ({ tokens }, input, { now }) => tokens.list(input, now),
  }),
  define({
    id: 'tokens.revoke',
    method: 'POST',
    path: '/tokens/:token/revoke',
    role: 'admin',
    summary: 'Revoke an admin token at once',
    input: tokenInput,
    output: tokenView,
    audit: 'token.revoked',
    run: ({ tokens }, { token }, context) => tokens.revoke(token, context),
  }),
]
