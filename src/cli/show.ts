/** Small forms of values for tables. */

/** `2026-11-21`. */
export const day = (timestamp: string): string => timestamp.slice(0, 10)

/** `2026-11-21 09:30:12`, UTC. */
export const moment = (timestamp: string): string => timestamp.slice(0, 19).replace('T', ' ')

/** `1,234,567`. */
export const count = (number: number): string => number.toLocaleString('en-US')

export const milliseconds = (ms: number | null): string | null =>
  ms === null ? null : ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`

export const bytes = (size: number): string =>
  size < 1024 ** 2 ? `${Math.ceil(size / 1024)} KiB` : `${(size / 1024 ** 2).toFixed(1)} MiB`

/** `a, b, c`, or what stands for all. */
export const names = (list: readonly string[] | null, all: string): string => (list === null ? all : list.join(', '))
