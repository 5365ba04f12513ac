import { readClientEnvironment } from '../../core/config/load.ts'
import { GatewayError } from '../../core/kernel/errors.ts'
import type { StatusView } from '../../core/system/schemas.ts'
import { parseUrl } from '../client.ts'
import { readLogin, removeLogin, writeLogin } from '../credentials.ts'
import type { Verb } from '../verb.ts'

export const login: Verb = {
  usage: 'login <url>',
  summary: 'Keep the address of a remote gateway and its admin token for later commands',
  details:
    'Later commands go there unless --data, --direct, --url or GATEWAY_URL says otherwise. The token is kept in a file that only you can read.',
  secrets: ['token'],
  examples: [
    ['login https://gateway.example.com', 'asks for the token on a terminal'],
    ['login https://gateway.example.com --token-file token.txt', 'elsewhere'],
  ],
  operations: ['status'],
  async run(context, given) {
    const url = parseUrl(given.arg('url'))
    const token = await context.secret(given, 'token', 'Admin token: ')
    if (token === null)
      throw new GatewayError('usage_error', 'No token was given.', {
        hint: 'Use --token-stdin, --token-file or --token-env.',
      })
    const client = await context.connect({
      url: url.href,
      token,
      direct: undefined,
      load: () => context.config(),
      note: (message) => context.note(message),
    })
    const status = (await client.call('status', {}, {})) as StatusView
    writeLogin(readClientEnvironment(context.env).configHome, { url: url.href, token })
    await context.result({ url: url.href, version: status.version }, (value) =>
      context.output.line(`Logged in at ${url.origin} (version ${value.version}).`),
    )
  },
}

export const logout: Verb = {
  usage: 'logout',
  summary: 'Forget the remote gateway and its token on this machine',
  details: 'The token stays valid; "gateway tokens revoke" ends it.',
  examples: [['logout', 'later commands work on this machine again']],
  operations: [],
  async run(context) {
    const { configHome } = readClientEnvironment(context.env)
    const known = readLogin(configHome)
    removeLogin(configHome)
    await context.result({ url: known?.url ?? null }, ({ url }) =>
      context.output.line(url === null ? 'Nobody was logged in.' : `Logged out of ${url}.`),
    )
  },
}
