/** How a simulated model behaves. Chosen by the model's name alone, so that any client can ask for any fault. */
export interface Script {
  /** Milliseconds before the head of the answer, and before each piece of its content. */
  readonly firstMs: number
  readonly pieceMs: number
  /** Calls a tool whenever the request has tools and they are not forbidden. */
  readonly callsTools: boolean
  /** Thinks aloud before it answers. */
  readonly thinks: boolean
  /** Reports half of the prompt as read from a cache. */
  readonly caches: boolean
  readonly reportsUsage: boolean
  /** Refuses to answer: `content_filter`, `refusal`. */
  readonly refuses: boolean
  /** Length of the answer in pieces (tokens). */
  readonly length: number | null
  /** Answers with this status instead. */
  readonly error: number | null
  readonly fault: Fault | null
}

/**
 * What goes wrong after so many pieces of content: `reset` breaks the connection (RST), `cut` ends it without the protocol's end mark, `error` sends the protocol's
 * error event, `hang` sends nothing any more. `after: null`: before the head.
 */
export interface Fault {
  readonly kind: 'reset' | 'cut' | 'error' | 'hang'
  readonly after: number | null
}

const plain: Script = {
  firstMs: 60,
  pieceMs: 20,
  callsTools: false,
  thinks: false,
  caches: false,
  reportsUsage: true,
  refuses: false,
  length: null,
  error: null,
  fault: null,
}
const fast: Script = { ...plain, firstMs: 0, pieceMs: 0 }

interface Row {
  /** As listed; N stands for a number. */
  readonly name: string
  /** Numbers for which the name is listed by `GET /v1/models`. */
  readonly examples?: readonly number[]
  readonly about: string
  script(n: number): Script
}

/** The one table of simulated models. docs/providers.md repeats it. */
export const simulatedModels: readonly Row[] = [
  { name: 'sim-1', about: 'answers at the pace of a quick model (50 tokens/s)', script: () => plain },
  { name: 'sim-fast', about: 'answers at once', script: () => fast },
  {
    name: 'sim-slow',
    about: 'begins after 2 s, then 4 tokens/s',
    script: () => ({ ...plain, firstMs: 2_000, pieceMs: 250 }),
  },
  { name: 'sim-tools', about: 'calls a tool whenever it is given one', script: () => ({ ...fast, callsTools: true }) },
  { name: 'sim-think', about: 'thinks before it answers', script: () => ({ ...plain, thinks: true }) },
  { name: 'sim-cache', about: 'reports half of the prompt as cached', script: () => ({ ...fast, caches: true }) },
  { name: 'sim-refuse', about: 'ends with a refusal', script: () => ({ ...fast, refuses: true }) },
  { name: 'sim-no-usage', about: 'never reports usage', script: () => ({ ...fast, reportsUsage: false }) },
  {
    name: 'sim-long-N',
    examples: [1000],
    about: 'answers with N tokens at once',
    script: (n) => ({ ...fast, length: Math.min(n, 1_000_000) }),
  },
  {
    name: 'sim-error-N',
    examples: [400, 429, 500],
    about: 'answers with the error status N',
    script: (n) => ({ ...fast, error: n }),
  },
  {
    name: 'sim-error-after-N',
    examples: [3],
    about: 'sends an error event after N tokens',
    script: (n) => broken('error', n),
  },
  {
    name: 'sim-reset-after-N',
    examples: [3],
    about: 'breaks the connection after N tokens',
    script: (n) => broken('reset', n),
  },
  {
    name: 'sim-cut-after-N',
    examples: [3],
    about: 'ends without an end mark after N tokens',
    script: (n) => broken('cut', n),
  },
  { name: 'sim-hang-after-N', examples: [3], about: 'falls silent after N tokens', script: (n) => broken('hang', n) },
  { name: 'sim-hang', about: 'never answers', script: () => ({ ...fast, fault: { kind: 'hang', after: null } }) },
]

const broken = (kind: Fault['kind'], after: number): Script => ({ ...plain, fault: { kind, after } })

/** The names that `GET /v1/models` lists. */
export const simulatedModelNames: readonly string[] = simulatedModels.flatMap(({ name, examples }) =>
  examples ? examples.map((n) => name.replace('N', String(n))) : [name],
)

const patterns = simulatedModels.map((row) => ({
  row,
  pattern: new RegExp(`^${row.name.replace('N', String.raw`(\d{1,9})`)}$`),
}))

/** Undefined for a name that is no simulated model. */
export const scriptOf = (model: string): Script | undefined => {
  for (const { row, pattern } of patterns) {
    const match = pattern.exec(model)
    if (!match) continue
    const script = row.script(Number(match[1] ?? 0))
    return script.error !== null && (script.error < 400 || script.error > 599) ? undefined : script
  }
  return undefined
}
