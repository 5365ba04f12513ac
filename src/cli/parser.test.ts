import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { operations } from '../core/operations.ts'
import { entries } from './commands/index.ts'
import { runCli } from '../../test/support/run-cli.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cli-'))
  writeFileSync(join(dir, 'secret'), 's3cret\n')
  writeFileSync(join(dir, 'body.json'), '{"messages":[]}')
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const day = '2027-01-02T00:00:00.000Z'

/** Command line → operation and input. Every operation has at least one row. */
const rows: readonly (readonly [line: string, operation: string, input: object])[] = [
  ['users create a@b.c', 'users.create', { email: 'a@b.c' }],
  [
    'users create a@b.c --name Ada --role admin --password-env SECRET',
    'users.create',
    { email: 'a@b.c', name: 'Ada', role: 'admin', password: 's3cret' },
  ],
  [
    'users list --search ad --role user --status active --limit 7',
    'users.list',
    { q: 'ad', role: 'user', status: 'active', limit: 7 },
  ],
  ['users show a@b.c', 'users.show', { user: 'a@b.c' }],
  ['users update a@b.c --name none --email d@e.f', 'users.update', { user: 'a@b.c', name: null, email: 'd@e.f' }],
  ['users set-role a@b.c operator', 'users.set_role', { user: 'a@b.c', role: 'operator' }],
  ['users set-password a@b.c --password-stdin', 'users.set_password', { user: 'a@b.c', password: 'from stdin' }],
  ['users suspend a@b.c --reason left --yes', 'users.suspend', { user: 'a@b.c', reason: 'left' }],
  ['users activate a@b.c', 'users.activate', { user: 'a@b.c' }],
  ['users delete a@b.c -y', 'users.delete', { user: 'a@b.c' }],
  ['keys create --user a@b.c', 'keys.create', { user: 'a@b.c' }],
  [
    'keys create --user u --name ci --models a,b --expires 1d --quota-credits 5 --quota-tokens 9 --quota-requests 3 --quota-period day --rpm 1 --tpm 2 --concurrency 3 --allow-ip 10.0.0.0/8,::1 --tag env=prod --tag team=x=y',
    'keys.create',
    {
      user: 'u',
      name: 'ci',
      models: ['a', 'b'],
      expires_at: day,
      quota: { credits: '5', tokens: 9, requests: 3, period: 'day' },
      rpm: 1,
      tpm: 2,
      concurrency: 3,
      allow_ips: ['10.0.0.0/8', '::1'],
      tags: { env: 'prod', team: 'x=y' },
    },
  ],
  ['keys create --user u --models all --expires never --rpm none', 'keys.create', { user: 'u' }],
  [
    'keys list --user u --status revoked --search sk',
    'keys.list',
    { user: 'u', status: 'revoked', q: 'sk', limit: 50 },
  ],
  ['keys show k', 'keys.show', { key: 'k' }],
  [
    'keys update k --models all --expires never --rpm none --allow-ip all --no-quota',
    'keys.update',
    { key: 'k', models: null, expires_at: null, rpm: null, allow_ips: null, quota: null },
  ],
  ['keys update k --quota-credits 0.5', 'keys.update', { key: 'k', quota: { credits: '0.5', period: 'month' } }],
  ['keys enable k', 'keys.enable', { key: 'k' }],
  ['keys disable k', 'keys.disable', { key: 'k' }],
  ['keys rotate k --grace 1h', 'keys.rotate', { key: 'k', grace_seconds: 3600 }],
  ['keys revoke k --yes', 'keys.revoke', { key: 'k' }],
  ['keys delete k --yes', 'keys.delete', { key: 'k' }],
  [
    'credits grant u 12.5 --note hi --expires 2027-01-02',
    'credits.grant',
    { user: 'u', amount: '12.5', note: 'hi', expires_at: day },
  ],
  ['credits adjust u -2.5 --note oops', 'credits.adjust', { user: 'u', amount: '-2.5', note: 'oops' }],
  ['credits adjust u +3 --note found', 'credits.adjust', { user: 'u', amount: '3', note: 'found' }],
  ['credits balance u', 'credits.balance', { user: 'u' }],
  ['credits history u', 'credits.history', { user: 'u', limit: 50 }],
  ['credits reverse req_1 --note why', 'credits.reverse', { charge: 'req_1', note: 'why' }],
  ['credits verify', 'credits.verify', {}],
  [
    'providers add o --kind openai --secret-file FILE',
    'providers.add',
    { name: 'o', kind: 'openai', secret: 's3cret' },
  ],
  [
    'providers add o --kind x --base-url http://h/v1 --speaks openai-chat,anthropic-messages --timeout 2m --allow-private',
    'providers.add',
    {
      name: 'o',
      kind: 'x',
      base_url: 'http://h/v1',
      speaks: ['openai-chat', 'anthropic-messages'],
      timeout_ms: 120_000,
      allow_private: true,
    },
  ],
  [
    'providers add o --kind x --allow-private h1,h2',
    'providers.add',
    { name: 'o', kind: 'x', allow_private: ['h1', 'h2'] },
  ],
  ['providers list', 'providers.list', { limit: 50 }],
  ['providers list --sort -created_at', 'providers.list', { limit: 50, sort: '-created_at' }],
  [
    'providers add b --kind bedrock --set region=us-east-1 --quirk think-tags --quirk no-done --no-quirk missing-tool-index',
    'providers.add',
    {
      name: 'b',
      kind: 'bedrock',
      settings: { region: 'us-east-1' },
      quirks: { 'think-tags': true, 'no-done': true, 'missing-tool-index': false },
    },
  ],
  [
    'providers add b --kind x --no-quirk no-done',
    'providers.add',
    { name: 'b', kind: 'x', quirks: { 'no-done': false } },
  ],
  [
    'providers update b --set default --quirk default',
    'providers.update',
    { provider: 'b', settings: null, quirks: null },
  ],
  ['providers kinds', 'providers.kinds', {}],
  ['providers show o', 'providers.show', { provider: 'o' }],
  [
    'providers update o --base-url default --timeout 1s --status disabled',
    'providers.update',
    { provider: 'o', base_url: null, timeout_ms: 1000, status: 'disabled' },
  ],
  ['providers remove o --yes', 'providers.remove', { provider: 'o' }],
  ['providers test o', 'providers.test', { provider: 'o' }],
  [
    'provider-keys add o --label l --weight 2 --secret-stdin',
    'provider_keys.add',
    { provider: 'o', secret: 'from stdin', label: 'l', weight: 2 },
  ],
  ['provider-keys list --provider o', 'provider_keys.list', { provider: 'o', limit: 50 }],
  ['provider-keys enable k', 'provider_keys.enable', { key: 'k' }],
  ['provider-keys disable k', 'provider_keys.disable', { key: 'k' }],
  ['provider-keys test k', 'provider_keys.test', { key: 'k' }],
  ['provider-keys cooldowns', 'provider_keys.cooldowns', {}],
  ['provider-keys cooldowns --clear', 'provider_keys.clear_cooldowns', {}],
  ['provider-keys cooldowns --clear --key o/k', 'provider_keys.clear_cooldowns', { key: 'o/k' }],
  ['provider-keys remove k --yes', 'provider_keys.remove', { key: 'k' }],
  [
    'models create m --target o/gpt-5@3#2 --target v/pub/x@20240620 --input-price 2.5 --output-price 10 --cached-input-price 0.25 --cache-write-price 3 --cache-write-1h-price 5 --reasoning-price 11 --request-price 0.01 --strategy priority --context-window 1000 --max-output-tokens 100 --default temperature=0.5 --default user=x --cap max_tokens=50',
    'models.create',
    {
      name: 'm',
      targets: [
        { provider: 'o', model: 'gpt-5', weight: 3, priority: 2 },
        { provider: 'v', model: 'pub/x@20240620', weight: 1, priority: 1 },
      ],
      prices: {
        input: '2.5',
        output: '10',
        cached_input: '0.25',
        cache_write: '3',
        cache_write_1h: '5',
        reasoning: '11',
        request: '0.01',
      },
      strategy: 'priority',
      context_window: 1000,
      max_output_tokens: 100,
      defaults: { temperature: 0.5, user: 'x' },
      caps: { max_tokens: 50 },
    },
  ],
  [
    'models create m --target o/g --free',
    'models.create',
    { name: 'm', targets: [{ provider: 'o', model: 'g', weight: 1, priority: 1 }], free: true },
  ],
  ['models list', 'models.list', { limit: 50 }],
  ['models show m', 'models.show', { model: 'm' }],
  [
    'models update m --name n --not-free --cap none --max-output-tokens none',
    'models.update',
    { model: 'm', name: 'n', free: false, caps: null, max_output_tokens: null },
  ],
  ['models enable m', 'models.enable', { model: 'm' }],
  ['models disable m', 'models.disable', { model: 'm' }],
  ['models delete m --yes', 'models.delete', { model: 'm' }],
  ['models test m', 'models.test', { model: 'm' }],
  [
    'models route m --body BODY --protocol anthropic-messages',
    'models.route',
    { model: 'm', body: { messages: [] }, protocol: 'anthropic-messages' },
  ],
  ['prices list', 'prices.list', { limit: 50 }],
  ['prices show m', 'prices.show', { model: 'm' }],
  [
    'prices set m --input-price 1 --output-price 2 --from 2027-02-01',
    'prices.set',
    { model: 'm', input: '1', output: '2', from: '2027-02-01' },
  ],
  ['prices history m', 'prices.history', { model: 'm', limit: 50 }],
  [
    'prices estimate m --input-tokens 10 --output-tokens 0 --cached-input-tokens 5',
    'prices.estimate',
    { model: 'm', input_tokens: 10, output_tokens: 0, cached_input_tokens: 5 },
  ],
  ['usage summary --user u --from 7d', 'usage.summary', { user: 'u', from: '7d' }],
  ['usage daily --key k --model m --to 2027-01-01', 'usage.daily', { key: 'k', model: 'm', to: '2027-01-01' }],
  ['usage list --status error --cursor c', 'usage.list', { status: 'error', limit: 50, cursor: 'c' }],
  ['requests list --status 429 --limit 3', 'requests.list', { status: '429', limit: 3 }],
  ['requests show req_1', 'requests.show', { request: 'req_1' }],
  ['requests explain req_1', 'requests.explain', { request: 'req_1' }],
  [
    'audit list --actor a --action key.revoked --target t',
    'audit.list',
    { actor: 'a', action: 'key.revoked', target: 't', limit: 50 },
  ],
  ['tokens create ci --role operator --expires 1d', 'tokens.create', { name: 'ci', role: 'operator', expires_at: day }],
  ['tokens create ci', 'tokens.create', { name: 'ci', role: 'admin' }],
  ['tokens list', 'tokens.list', { limit: 50 }],
  ['tokens revoke ci --yes', 'tokens.revoke', { token: 'ci' }],
  ['db status', 'db.status', {}],
  ['db check', 'db.check', {}],
  ['db migrate', 'db.migrate', {}],
  ['config show', 'config.show', {}],
  ['status', 'status', {}],
]

/** Enough of an answer for `--json`, and for exit codes that look at it. */
const answer = (): object => ({ ok: true, data: [], next_cursor: null })
const env = { SECRET: 's3cret' }
const words = (line: string): string[] =>
  line.replace('FILE', join(dir, 'secret')).replace('BODY', join(dir, 'body.json')).split(' ')

test.each(rows)('%s', async (line, operation, input) => {
  const { code, calls, err } = await runCli([...words(line), '--json'], { answer, env, stdin: 'from stdin\n' })
  expect(err).toBe('')
  expect(code).toBe(0)
  expect(calls.map((call) => [call.operation, call.input])).toEqual([[operation, input]])
})

test('what a command line asks for is what the operation takes', () => {
  const refused = rows
    // Names that are shorter than the operation demands.
    .filter(([line]) => !line.includes('req_1'))
    .map(([line, operation, input]) => [
      line,
      operations.find(({ id }) => id === operation)?.input.safeParse(input).error?.issues,
    ])
    .filter(([, issues]) => issues !== undefined)
  expect(refused).toEqual([])
})

test('every operation can be reached from the command line, and no command asks for one that does not exist', () => {
  const reached = new Set(
    entries.flatMap((entry) => ('verbs' in entry ? entry.verbs : [entry.verb])).flatMap((verb) => verb.operations),
  )
  const known = new Set(operations.map(({ id }) => id))
  expect([...known].filter((id) => !reached.has(id))).toEqual([])
  expect([...reached].filter((id) => !known.has(id))).toEqual([])
  expect([...known].filter((id) => !rows.some(([, operation]) => operation === id))).toEqual([])
})

describe('writes of money', () => {
  test.each(['credits grant u 1', 'credits adjust u 1 --note n', 'credits reverse req_1'])(
    '%s carries an Idempotency-Key, new each time, or the one given',
    async (line) => {
      const keyOf = async (more: string[] = []) =>
        (await runCli([...line.split(' '), ...more, '--json'])).calls[0]?.options.idempotencyKey
      const first = await keyOf()
      expect(first).toMatch(/^[0-9a-f-]{36}$/)
      expect(await keyOf()).not.toBe(first)
      expect(await keyOf(['--idempotency-key', 'mine'])).toBe('mine')
    },
  )
})

describe('usage errors are exit 2, on stderr, and reach nothing', () => {
  test.each([
    '',
    '--',
    'bogus',
    'users',
    'users bogus',
    'users create',
    'users create a b',
    'users list --bogus',
    'users list --limit',
    'users list --limit 0',
    'users list --limit x',
    'users list --all --limit 3',
    'users create a@b.c --role king',
    'users set-role a king',
    'users suspend u --yes',
    'users update u',
    'users delete u',
    'users set-password u',
    'keys create',
    'keys create --user u --rpm -1',
    'keys create --user u --quota-credits abc',
    'keys create --user u --quota-period day',
    'keys create --user u --expires soon',
    'keys create --user u --expires 2027-02-30',
    'keys create --user u --tag novalue',
    'keys rotate k --grace 5',
    'keys revoke k',
    'credits grant u abc',
    'credits grant u -5',
    'credits grant u 0',
    'credits grant u 1e400',
    'credits grant u 1,5',
    'credits grant u 0.0000000001',
    'credits grant u 99999999999',
    'credits adjust u 5',
    'credits adjust u --5 --note n',
    'providers add o',
    'provider-keys add o',
    'models create m',
    'models create m --target nothing',
    'models create m --target o/g@heavy',
    'models update m --target o/g@latest#2',
    'models create m --target o/g --input-price 1',
    'models create m --target o/g --cap max=x',
    'models route m --body SECRETFILE',
    'prices set m',
    'prices estimate m --input-tokens 1',
    'login ftp://x --token-stdin',
    'config show --direct --url http://h',
    'serve --port abc',
    'serve extra',
  ])('gateway %s', async (line) => {
    const { code, out, err, calls } = await runCli(line === '' ? [] : words(line.replace('SECRETFILE', 'FILE')), {
      answer,
      env,
      ...(line.includes('--url') && { connect: (await import('./client.ts')).connect }),
    })
    expect({ code, out, calls }).toEqual({ code: 2, out: '', calls: [] })
    expect(err).not.toBe('')
  })
  test('a near miss is suggested', async () => {
    expect((await runCli(['user', 'list'])).err).toContain('users')
    expect((await runCli(['users', 'list', '--limt', '3'])).err).toContain('--limit')
  })
  test.each([
    'provider-keys add o --secret sk-1',
    'providers add o --kind x --secret=sk-1',
    'users create a@b.c --password hunter2',
    'users set-password a@b.c --password hunter2',
    'login https://h --token t',
  ])('a secret as an argument is refused with the way to give it: %s', async (line) => {
    const { code, err, calls } = await runCli(line.split(' '))
    expect(code).toBe(2)
    expect(err).toContain('-stdin')
    expect(err).not.toMatch(/sk-1|hunter2/)
    expect(calls).toEqual([])
  })
})
