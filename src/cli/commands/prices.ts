import type { EstimateView, ModelPrices, PriceVersion } from '../../core/pricing/schemas.ts'
import { GatewayError } from '../../core/kernel/errors.ts'
import type { Context } from '../context.ts'
import { given as only } from '../given.ts'
import type { Given } from '../given.ts'
import { listOptions, listVerb } from '../list.ts'
import { priceOptions, priceText, readPrices } from '../prices.ts'
import { showCharge } from '../receipt.ts'
import { moment } from '../show.ts'
import { operationVerb } from '../verb.ts'
import type { Noun } from '../verb.ts'

const named = (given: Given): { model: string } => ({ model: given.arg('model') })

const rows = (version: PriceVersion): readonly (readonly [string, string])[] => [
  ['input', version.input],
  ['output', version.output],
  ['cached input', version.cached_input],
  ['cache write', version.cache_write],
  ['cache write 1h', version.cache_write_1h],
  ['reasoning', version.reasoning],
  ['per request', version.request],
  ['from', version.effective_from],
  ['set by', version.actor],
  ['id', version.id],
]

const showVersion = (version: PriceVersion, { output }: Context): void =>
  output.fields([['model', version.model], ...rows(version)])

export const prices: Noun = {
  name: 'prices',
  summary: 'what shadow models cost, in credits per million tokens',
  verbs: [
    listVerb<ModelPrices>({
      usage: 'list',
      summary: 'Prices of all shadow models',
      operation: 'prices.list',
      options: [['--search <text>', 'part of the name'], ...listOptions],
      examples: [['prices list', 'what is in force now']],
      input: (given) => only({ q: given.text('search') }),
      columns: [
        { title: 'MODEL', value: (row) => row.model },
        { title: 'PRICE PER MILLION', value: (row) => (row.free ? 'free' : (priceText(row.prices) ?? 'none')) },
        { title: 'SINCE (UTC)', value: (row) => row.prices && moment(row.prices.effective_from) },
        { title: 'NEXT', value: (row) => row.next && `${priceText(row.next)} from ${moment(row.next.effective_from)}` },
      ],
      empty: 'No models yet.',
    }),
    operationVerb<ModelPrices>({
      usage: 'show <model>',
      summary: 'Price of a shadow model',
      operation: 'prices.show',
      examples: [['prices show fast', 'every kind of token']],
      input: named,
      show(result, context) {
        const { output } = context
        if (result.prices) showVersion(result.prices, context)
        else
          output.fields([
            ['model', result.model],
            ['price', result.free ? 'free' : 'none: requests are refused'],
          ])
        if (result.next) output.fields([['next', `${priceText(result.next)} from ${result.next.effective_from}`]])
      },
    }),
    operationVerb<PriceVersion>({
      usage: 'set <model>',
      summary: 'New price of a shadow model, from now or from a later time',
      operation: 'prices.set',
      options: [...priceOptions, ['--from <time>', 'when it begins: 2027-01-01 or a full time (default: now)']],
      examples: [
        ['prices set fast --input-price 0.25 --output-price 2', 'from now on; requests under way keep their price'],
        ['prices set fast --input-price 0.2 --output-price 1.5 --from 2027-01-01', 'later'],
      ],
      input(given) {
        const price = readPrices(given)
        if (!price) throw new GatewayError('usage_error', 'A price needs --input-price and --output-price.')
        return { ...named(given), ...price, ...only({ from: given.text('from') }) }
      },
      show: showVersion,
    }),
    listVerb<PriceVersion>({
      usage: 'history <model>',
      summary: 'All prices of a shadow model, the latest first',
      operation: 'prices.history',
      options: listOptions,
      examples: [['prices history fast', 'past, current and future']],
      input: named,
      columns: [
        { title: 'FROM (UTC)', value: (row) => moment(row.effective_from) },
        { title: 'STATE', value: (row) => row.state },
        { title: 'PRICE PER MILLION', value: priceText },
        { title: 'BY', value: (row) => row.actor },
        { title: 'ID', value: (row) => row.id },
      ],
      empty: 'It never had a price.',
    }),
    operationVerb<EstimateView>({
      usage: 'estimate <model>',
      summary: 'What a request of this size costs',
      operation: 'prices.estimate',
      options: [
        ['--input-tokens <n>', 'all input tokens (needed)'],
        ['--output-tokens <n>', 'all output tokens (needed)'],
        ['--cached-input-tokens <n>', 'how many of the input tokens come from the cache'],
      ],
      examples: [['prices estimate fast --input-tokens 12000 --output-tokens 800', 'line by line']],
      input(given) {
        const input = given.integer('input-tokens', 0)
        const output = given.integer('output-tokens', 0)
        if (input === undefined || output === undefined)
          throw new GatewayError('usage_error', '--input-tokens and --output-tokens are needed.')
        return {
          ...named(given),
          input_tokens: input,
          output_tokens: output,
          ...only({ cached_input_tokens: given.integer('cached-input-tokens', 0) }),
        }
      },
      async show(estimate, { output }) {
        if (estimate.free) return output.line(`${estimate.model} is free.`)
        await showCharge(estimate, output)
      },
    }),
  ],
}
