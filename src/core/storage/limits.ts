/** How long a connection waits for a lock that another process holds. It waits inside its own thread; no stream stands still meanwhile. Milliseconds. */
export const busyTimeoutMs = 2_000
