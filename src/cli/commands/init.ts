import { existsSync } from 'node:fs'
import { databasePath } from '../../core/config/data-dir.ts'
import { GatewayError } from '../../core/kernel/errors.ts'
import type { Page } from '../../core/kernel/operation.ts'
import type { TokenView } from '../../core/identity/schemas.ts'
import { call } from '../verb.ts'
import type { Verb } from '../verb.ts'

interface Initialised {
  readonly data_dir: string
  readonly created: boolean
  /** The first admin token; null when there was one already. */
  readonly token: string | null
}

const hasToken = async (tokens: () => Promise<Page<TokenView>>): Promise<boolean> =>
  (await tokens()).data.some(({ status }) => status === 'active')

export const init: Verb = {
  usage: 'init',
  summary: 'Make the data directory, the database and the first admin token',
  details: 'Changes nothing when that was done before. The token is shown once; "gateway tokens create" makes others.',
  examples: [
    ['init', 'in the usual place'],
    ['init --data /var/lib/gateway --json', 'elsewhere, for a script'],
  ],
  operations: ['tokens.list', 'tokens.create'],
  async run(context) {
    const client = await context.client()
    if (client.via === 'url')
      throw new GatewayError('usage_error', 'A remote gateway is made where it runs.', {
        hint: 'Leave out --url, or add --direct.',
      })
    const { dataDir } = context.config().config
    const created = !existsSync(databasePath(dataDir))
    const done = !created && (await hasToken(() => call(context, 'tokens.list', {})))
    const token = done
      ? null
      : (await call<TokenView & { secret: string | null }>(context, 'tokens.create', { name: 'init', role: 'admin' }))
          .secret
    await context.result<Initialised>({ data_dir: dataDir, created, token }, (result) => {
      const { output } = context
      output.fields([
        ['data', result.data_dir],
        ['admin token', result.token ?? 'made earlier (another: gateway tokens create NAME)'],
      ])
      if (result.token === null) return
      context.note(`
This is the only time the token is shown. It is needed for administration over HTTP only.

Next:
  gateway serve
  gateway providers add openai --kind openai --secret-env OPENAI_API_KEY
  gateway models create fast --target openai/gpt-5-mini --input-price 0.25 --output-price 2
  gateway users create ada@example.com
  gateway credits grant ada@example.com 10
  gateway keys create --user ada@example.com`)
    })
  },
}
