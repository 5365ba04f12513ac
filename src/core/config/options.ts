import type { Config } from './config.ts'
import type { OptionType } from './values.ts'

export type OptionKey = Exclude<keyof Config, 'dataDir'>

/** One row of configuration. The name in the file is the environment variable's without `GATEWAY_`, in lower case. */
export interface Option<Key extends OptionKey = OptionKey> {
  readonly key: Key
  readonly env: `GATEWAY_${string}`
  /** Commander's notation; null where the command line has no flag for it. */
  readonly flag: `--${string}` | null
  readonly type: OptionType
  readonly default: Config[Key]
  /** Never shown; may be read from the file that `<env>_FILE` names. */
  readonly secret: boolean
  readonly doc: string
  /** Values that this version cannot honour are refused, because ignoring them would break a promise. Null when it can. */
  readonly refuse?: (value: unknown) => string | null
}

const option = <Key extends OptionKey>(
  key: Key,
  env: Option['env'],
  type: OptionType,
  fallback: Config[Key],
  doc: string,
  more: Partial<Pick<Option, 'flag' | 'secret' | 'refuse'>> = {},
): Option<Key> => ({ key, env, type, default: fallback, doc, flag: null, secret: false, ...more })

const notYet = (what: string) => (): string => `${what} is not part of this version`
const secret = true

/** The one table. Parser, `serve --help`, `config show`, `config check` and docs/configuration.md come from it. */
export const options: readonly Option[] = [
  option('host', 'GATEWAY_HOST', { kind: 'host' }, '127.0.0.1', 'Address the proxy listens on.', {
    flag: '--host <address>',
  }),
  option(
    'port',
    'GATEWAY_PORT',
    { kind: 'integer', min: 0, max: 65_535 },
    4100,
    'Port the proxy listens on; 0 picks a free one.',
    {
      flag: '--port <port>',
    },
  ),
  option(
    'adminHost',
    'GATEWAY_ADMIN_HOST',
    { kind: 'host' },
    null,
    'Address of the admin plane. Without it the admin plane answers where the proxy does.',
    {
      flag: '--admin-host <address>',
    },
  ),
  option(
    'adminPort',
    'GATEWAY_ADMIN_PORT',
    { kind: 'integer', min: 0, max: 65_535 },
    null,
    'Port of the admin plane, when it has its own.',
    {
      flag: '--admin-port <port>',
    },
  ),
  option(
    'masterKey',
    'GATEWAY_MASTER_KEY',
    { kind: 'key' },
    null,
    'Key that seals provider keys: 32 bytes in hex or base64. Without it, master.key in the data directory.',
    { secret },
  ),
  option(
    'databaseUrl',
    'GATEWAY_DATABASE_URL',
    { kind: 'url', schemes: ['postgres:', 'postgresql:'] },
    null,
    'Database; without it SQLite in the data directory.',
    {
      secret,
      refuse: notYet('PostgreSQL'),
    },
  ),
  option(
    'redisUrl',
    'GATEWAY_REDIS_URL',
    { kind: 'url', schemes: ['redis:', 'rediss:'] },
    null,
    'Shared counters of limits for several machines.',
    {
      secret,
      refuse: notYet('Redis'),
    },
  ),
  option('workers', 'GATEWAY_WORKERS', { kind: 'integer', min: 1, max: 64 }, 1, 'Threads that serve requests.', {
    flag: '--workers <n>',
    refuse: (value) => (value === 1 ? null : 'more than one worker is not part of this version'),
  }),
  option(
    'logLevel',
    'GATEWAY_LOG_LEVEL',
    { kind: 'choice', values: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] },
    'info',
    'How much is logged.',
    {
      flag: '--log-level <level>',
    },
  ),
  option(
    'logDir',
    'GATEWAY_LOG_DIR',
    { kind: 'path' },
    null,
    'Directory of log files; without it logs/ in the data directory.',
    { flag: '--log-dir <dir>' },
  ),
  option(
    'registration',
    'GATEWAY_REGISTRATION',
    { kind: 'choice', values: ['open', 'invite', 'closed'] },
    'closed',
    'Who may make an account.',
    {
      refuse: (value) =>
        value === 'closed' ? null : 'registration is not part of this version; administrators create users',
    },
  ),
  option('smtpUrl', 'GATEWAY_SMTP_URL', { kind: 'url', schemes: ['smtp:', 'smtps:'] }, null, 'Mail server.', {
    secret,
    refuse: notYet('mail'),
  }),
  option(
    'allowedOrigins',
    'GATEWAY_ALLOWED_ORIGINS',
    { kind: 'list', of: 'origin' },
    [],
    'Origins of browsers that may call the admin plane.',
    {
      refuse: (value) =>
        Array.isArray(value) && value.length === 0 ? null : 'calls from browsers are not part of this version',
    },
  ),
  option(
    'trustedProxies',
    'GATEWAY_TRUSTED_PROXIES',
    { kind: 'list', of: 'cidr' },
    [],
    'Networks of reverse proxies whose X-Forwarded-For is believed.',
  ),
  option(
    'allowPrivateUpstreams',
    'GATEWAY_ALLOW_PRIVATE_UPSTREAMS',
    { kind: 'list', of: 'cidr' },
    [],
    'Private networks that providers may live in. All others are refused when connecting.',
  ),
  option(
    'maxBodyBytes',
    'GATEWAY_MAX_BODY',
    { kind: 'bytes', min: 1024, max: 1024 ** 3 },
    32 * 1024 ** 2,
    'Largest request body.',
  ),
  option(
    'maxUploadBytes',
    'GATEWAY_MAX_UPLOAD',
    { kind: 'bytes', min: 1024, max: 16 * 1024 ** 3 },
    128 * 1024 ** 2,
    'Largest upload of a recording or of images (multipart/form-data). Those that name their model behind the file lie in the data directory meanwhile.',
  ),
  option(
    'connectTimeoutMs',
    'GATEWAY_CONNECT_TIMEOUT',
    { kind: 'duration', min: 1, max: 300_000 },
    10_000,
    'Time to connect to a provider.',
  ),
  option(
    'firstByteTimeoutMs',
    'GATEWAY_FIRST_BYTE_TIMEOUT',
    { kind: 'duration', min: 1, max: 3_600_000 },
    600_000,
    'Time until a provider begins to answer.',
  ),
  option(
    'idleTimeoutMs',
    'GATEWAY_IDLE_TIMEOUT',
    { kind: 'duration', min: 1, max: 3_600_000 },
    300_000,
    'Longest silence inside an answer.',
  ),
  option(
    'drainTimeoutMs',
    'GATEWAY_DRAIN_TIMEOUT',
    { kind: 'duration', min: 0, max: 3_600_000 },
    30_000,
    'How long open answers may go on after SIGTERM.',
    {
      flag: '--drain-timeout <time>',
    },
  ),
  option(
    'recovery',
    'GATEWAY_RECOVERY',
    { kind: 'choice', values: ['charge-estimate', 'charge-hold', 'release'] },
    'charge-estimate',
    'What a start does to holds whose outcome nobody knows, after a crash.',
  ),
  option(
    'defaultReserveTokens',
    'GATEWAY_DEFAULT_RESERVE_TOKENS',
    { kind: 'integer', min: 1, max: 1_000_000 },
    16_384,
    'Output tokens that a hold reserves when neither client nor model sets a limit.',
  ),
]

/** The option's name in gateway.yaml: `GATEWAY_LOG_LEVEL` is `log_level`. */
export const fileName = (row: Pick<Option, 'env'>): string => row.env.slice('GATEWAY_'.length).toLowerCase()

/** Everything at its default, in the given data directory. */
export const defaultConfig = (dataDir: string): Config =>
  Object.freeze({ dataDir, ...Object.fromEntries(options.map((row) => [row.key, row.default])) }) as Config
