import { startMockServer } from './mock-provider-server.ts'

// A mock provider in a process of its own: its log survives whatever happens to the gateway. It lives as long as its parent.
const server = await startMockServer()
process.on('disconnect', () => process.exit(0))
process.send?.({ url: server.url })
