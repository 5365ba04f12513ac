import type { ConfigFlags } from '../../core/config/load.ts'
import { options } from '../../core/config/options.ts'
import { daemonOf } from '../client.ts'
import type { Given } from '../given.ts'
import type { Verb } from '../verb.ts'

const rows = options.filter((row) => row.flag !== null)

const flagName = (flag: string): string => flag.slice(2).split(' ')[0]!

const readFlags = (given: Given): ConfigFlags =>
  Object.fromEntries(
    rows.map((row) => [row.key, given.text(flagName(row.flag!))]).filter(([, value]) => value !== undefined),
  ) as ConfigFlags

export const serve: Verb = {
  usage: 'serve',
  summary: 'Run the gateway: the proxy and the admin plane',
  details:
    'Prints one line on stdout when it accepts connections; logs go to stderr and to files. SIGTERM lets open answers finish.',
  options: [
    ...rows.map((row) => [row.flag!, `${row.doc} (${row.env})`] as const),
    ['--demo', 'add a simulated provider, two models, a user with credit and a key, and show the key'],
  ],
  examples: [
    ['serve', 'on 127.0.0.1:4100, data in ~/.local/share/gateway'],
    ['serve --host 0.0.0.0 --port 8080 --data /var/lib/gateway', 'for others, elsewhere'],
    ['serve --port 0 --json', 'on a free port, announced as JSON'],
  ],
  operations: [],
  async run(context, given) {
    const { config, origins } = context.config(readFlags(given))
    const { startDaemon } = await import('../../daemon/main.ts')
    const daemon = await startDaemon(config, {
      json: context.json,
      origins,
      stdout: (line) => context.io.out(`${line}\n`),
    })
    if (daemon.bootstrapCode !== null) context.io.err(invitation(context.json, daemon.url, daemon.bootstrapCode))
    if (given.flag('demo')) {
      const { seed } = await import('../demo/seed.ts')
      const { user, key } = await seed(await context.connect(daemonOf(config)))
      const text = `Added demo models; ${user} may use them with the key ${key}\n`
      context.io.err(context.json ? `${JSON.stringify({ event: 'demo', user, key })}\n` : text)
    }
    return daemon.stopped
  },
}

/** Shown at every start until somebody can administer this gateway. */
const invitation = (json: boolean, url: string, code: string): string =>
  json
    ? `${JSON.stringify({ event: 'bootstrap', code, url: `${url}/api/admin/bootstrap` })}\n`
    : `
Nobody can administer this gateway over the network yet. On this machine every command works as it is.
For the first admin elsewhere, this code works once, for 24 hours:

  ${code}

  curl ${url}/api/admin/bootstrap -H "Content-Type: application/json" \\
    -d '{"code":"${code}","email":"you@example.com"}'

`
