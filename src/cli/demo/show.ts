import { setTimeout as wait } from 'node:timers/promises'
import { GatewayError } from '../../core/kernel/errors.ts'
import type { ExplainView } from '../../core/usage/schemas.ts'
import type { AdminClient } from '../client.ts'
import type { Context } from '../context.ts'
import { showReceipt } from '../receipt.ts'
import { safeLines } from '../text.ts'
import { askAnthropic, askOpenAi } from './ask.ts'
import { demoModels } from './seed.ts'
import type { Seeded } from './seed.ts'

export interface Shown {
  readonly requests: readonly ExplainView[]
  readonly balance: { readonly available: string; readonly granted: string; readonly spent: string }
  readonly verify: { readonly ok: boolean; readonly transfers: number; readonly problems: readonly string[] }
}

/** Sends two requests over HTTP and shows what came back, what it cost and why. With `--json` only the values are returned. */
export const showRequests = async (
  context: Context,
  client: AdminClient,
  url: string,
  seeded: Seeded,
): Promise<Shown> => {
  const { io, json, output } = context
  const { paint } = output
  const print = (text = ''): void => {
    if (!json) output.line(text)
  }
  const write = (text: string): void => {
    if (!json) io.out(safeLines(text).replaceAll('\n', '\n  '))
  }
  const [fast, smart] = demoModels
  const question = 'What is a gateway good for?'

  print(paint.bold(`1. An OpenAI client asks ${smart.name}, which speaks ${smart.behind} behind the gateway`))
  print(paint.dim(`   POST ${url}/v1/chat/completions`))
  print(`\n  ${paint.dim('user')}       ${question}`)
  const first = await askOpenAi(url, seeded.key, smart.name, question)
  print(`  ${paint.dim('assistant')}  ${safeLines(first.text)}`)
  const firstReceipt = await receipt(context, client, first.requestId)

  print()
  print(paint.bold(`2. An Anthropic client streams from ${fast.name}, which speaks ${fast.behind} behind the gateway`))
  print(paint.dim(`   POST ${url}/v1/messages`))
  print(`\n  ${paint.dim('user')}       And how do you stream?`)
  if (!json) io.out(`  ${paint.dim('assistant')}  `)
  const second = await askAnthropic(url, seeded.key, fast.name, 'And how do you stream?', write)
  print()
  const secondReceipt = await receipt(context, client, second.requestId)

  const balance = (await client.call('credits.balance', { user: seeded.user }, {})) as Shown['balance']
  const verify = (await client.call('credits.verify', {}, {})) as Shown['verify']
  print()
  print(paint.bold('3. The books'))
  if (!json) {
    output.fields([
      ['granted', `${balance.granted} credits to ${seeded.user}`],
      ['spent', `${balance.spent} credits`],
      ['available', `${balance.available} credits`],
      [
        'verified',
        verify.ok
          ? `every balance follows from its transfers (${verify.transfers})`
          : `WRONG: ${verify.problems.join('; ')}`,
      ],
    ])
  }
  return { requests: [firstReceipt, secondReceipt], balance, verify }
}

/** The request log is written just after the answer: ask again for a moment. */
const receipt = async (context: Context, client: AdminClient, request: string): Promise<ExplainView> => {
  for (let attempt = 0; ; attempt++) {
    try {
      const explained = (await client.call('requests.explain', { request }, {})) as ExplainView
      if (!context.json) {
        context.output.line()
        await showReceipt(explained, context.output)
      }
      return explained
    } catch (error) {
      if (attempt === 50 || !(error instanceof GatewayError && error.kind === 'not_found')) throw error
      await wait(40)
    }
  }
}
