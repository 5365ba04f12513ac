/** Microseconds of the machine's monotonic clock: the same number in every process, so that one may subtract another's. */
export const nowUs = (): number => {
  const [seconds, nanos] = process.hrtime()
  return seconds * 1e6 + nanos / 1e3
}
