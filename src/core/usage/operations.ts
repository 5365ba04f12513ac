import { z } from 'zod'
import { defineOperation, type Operation } from '../kernel/operation.ts'
import { pageOf } from '../kernel/page.ts'
import { dayView, explainView, listInput, recordView, reportInput, requestView, summaryView } from './schemas.ts'
import type { UsageReports } from './reports.ts'

export interface UsageDomains {
  readonly usage: UsageReports
}

const define = <Input, Output>(operation: Operation<UsageDomains, Input, Output, unknown>) => defineOperation(operation)

const request = z.string().min(1).max(128).describe('Id of a request, as in x-gateway-request-id.')

export const usageOperations = [
  define({
    id: 'usage.summary',
    method: 'GET',
    path: '/usage/summary',
    role: 'operator',
    summary: 'Totals of a time, the last 30 days if none is given',
    input: reportInput,
    output: summaryView,
    run: ({ usage }, input, { now }) => usage.summary(input, now),
  }),
  define({
    id: 'usage.daily',
    method: 'GET',
    path: '/usage/daily',
    role: 'operator',
    summary: 'Totals per day in UTC, days without requests included',
    input: reportInput,
    output: pageOf(dayView),
    run: ({ usage }, input, { now }) => usage.daily(input, now),
  }),
  define({
    id: 'usage.list',
    method: 'GET',
    path: '/usage',
    role: 'operator',
    summary: 'Requests with their tokens and cost, the newest first',
    input: listInput,
    output: pageOf(recordView),
    run: ({ usage }, input, { now }) => usage.list(input, now),
  }),
  define({
    id: 'requests.list',
    method: 'GET',
    path: '/requests',
    role: 'operator',
    summary: 'The request log, the newest first',
    input: listInput,
    output: pageOf(recordView),
    run: ({ usage }, input, { now }) => usage.list(input, now),
  }),
  define({
    id: 'requests.show',
    method: 'GET',
    path: '/requests/:request',
    role: 'operator',
    summary: 'One request with its route',
    input: z.strictObject({ request }),
    output: requestView,
    run: ({ usage }, input) => usage.show(input.request),
  }),
  define({
    id: 'requests.explain',
    method: 'GET',
    path: '/requests/:request/explain',
    role: 'operator',
    summary: 'Route, tokens, price and arithmetic of one request',
    input: z.strictObject({ request }),
    output: explainView,
    run: ({ usage }, input) => usage.explain(input.request),
  }),
]
