/** What a process needs to start. Frozen; only `load.ts` reads the environment. Every field but `dataDir` is a row of `options.ts`. */
export interface Config {
  readonly dataDir: string
  readonly host: string
  /** 0 picks a free port. */
  readonly port: number
  /** Null: the admin plane answers on the same address as the proxy. */
  readonly adminHost: string | null
  readonly adminPort: number | null
  /** Hex or base64 of 32 bytes; null: `master.key` in the data directory. */
  readonly masterKey: string | null
  /** Null: SQLite in the data directory. */
  readonly databaseUrl: string | null
  /** Null: limits are counted in this process. */
  readonly redisUrl: string | null
  /** Threads that serve requests. */
  readonly workers: number
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
  /** Null: `logs/` in the data directory. */
  readonly logDir: string | null
  readonly registration: 'open' | 'invite' | 'closed'
  /** Null: mails are written to `outbox/` in the data directory. */
  readonly smtpUrl: string | null
  /** Origins of browsers that may call the admin plane. */
  readonly allowedOrigins: readonly string[]
  /** CIDR. */
  readonly trustedProxies: readonly string[]
  readonly allowPrivateUpstreams: readonly string[]
  /** Bytes. */
  readonly maxBodyBytes: number
  readonly maxUploadBytes: number
  readonly connectTimeoutMs: number
  readonly firstByteTimeoutMs: number
  readonly idleTimeoutMs: number
  /** How long streams may go on after SIGTERM. */
  readonly drainTimeoutMs: number
  /** What happens at start to holds whose outcome nobody knows. */
  readonly recovery: 'charge-estimate' | 'charge-hold' | 'release'
  /** Output tokens a hold reserves when neither client nor model sets a limit. */
  readonly defaultReserveTokens: number
}
