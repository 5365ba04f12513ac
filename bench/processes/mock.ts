import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { bigPlan, streamPlan, unaryReply } from '../lib/mock-replies.ts'
import type { StreamPlan } from '../lib/mock-replies.ts'
import { nowUs } from '../lib/clock.ts'

/**
 * The provider of every run: HTTP/1.1 framed by hand, answers made before they are asked for. What it answers is said by the model's name in the body:
 * `unary`, `stream-<events>-<milliseconds between>`, `big-<megabytes>`; the path says in which protocol.
 */
const PREFIX = 256
let openStreams = 0
let requests = 0

const slots: (() => void)[][] = Array.from({ length: 4096 }, () => [])
let cursor = Math.floor(nowUs() / 1000)
const runSlots = (): void => {
  const now = Math.floor(nowUs() / 1000)
  for (; cursor < now; cursor++) {
    const due = slots[cursor & 4095]!
    slots[cursor & 4095] = []
    for (const send of due) send()
  }
}
setInterval(runSlots, 1)

const startStream = (socket: Socket, plan: StreamPlan, includeUsage: boolean): void => {
  openStreams++
  const first = Math.floor(nowUs() / 1000)
  let sent = 1
  socket.write(plan.head + plan.event(0, nowUs()), 'latin1')
  const finish = (): void => {
    socket.write(plan.tail(includeUsage), 'latin1')
    openStreams--
  }
  const send = (): void => {
    if (socket.destroyed) {
      openStreams--
      return
    }
    socket.write(plan.event(sent++, nowUs()), 'latin1')
    if (sent >= plan.events) finish()
    else schedule()
  }
  // Against the schedule, not against the last send: a late event does not delay the next one.
  const schedule = (): void => {
    const due = Math.max(first + Math.round(sent * plan.intervalMs), cursor)
    slots[due & 4095]!.push(send)
  }
  if (plan.events <= 1) finish()
  else schedule()
}

/** As fast as the reader takes it. */
const startBig = (socket: Socket, megabytes: number, includeUsage: boolean): void => {
  const plan = bigPlan(megabytes)
  openStreams++
  let sent = 0
  let over = false
  const finish = (): void => {
    if (!over) openStreams--
    over = true
  }
  socket.once('close', finish)
  socket.write(plan.head, 'latin1')
  const more = (): void => {
    while (sent < plan.events && !socket.destroyed) {
      if (!socket.write(plan.event(sent++, nowUs()), 'latin1')) {
        socket.once('drain', more)
        return
      }
    }
    if (!socket.destroyed) socket.write(plan.tail(includeUsage), 'latin1')
    finish()
  }
  more()
}

const answerFor = (path: string, prefix: string, rest: Buffer): ((socket: Socket) => void) => {
  const protocol = path.includes('/messages') ? 'anthropic' : 'openai'
  const from = prefix.indexOf('"model":"') + 9
  const model = from < 9 ? 'unary' : prefix.slice(from, prefix.indexOf('"', from))
  const [kind, count, interval] = model.split('-')
  const includeUsage = rest.includes('"include_usage":true')
  if (kind === 'stream')
    return (socket) => startStream(socket, streamPlan(protocol, model, Number(count), Number(interval)), includeUsage)
  if (kind === 'big') return (socket) => startBig(socket, Number(count), includeUsage)
  const reply = unaryReply(protocol)
  return (socket) => socket.write(reply)
}

const server = createServer((socket) => {
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  let carry: Buffer | null = null
  let remaining = 0
  let answer: ((socket: Socket) => void) | null = null
  socket.on('data', (chunk: Buffer) => {
    let data = chunk
    if (carry) {
      data = Buffer.concat([carry, chunk])
      carry = null
    }
    let at = 0
    while (at < data.length) {
      if (answer === null) {
        const end = data.indexOf('\r\n\r\n', at, 'latin1')
        const head = end === -1 ? '' : data.toString('latin1', at, end)
        const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
        if (end === -1 || data.length - end - 4 < Math.min(length, PREFIX)) {
          carry = data.subarray(at)
          return
        }
        at = end + 4
        answer = answerFor(
          head.slice(0, head.indexOf('\r\n')),
          data.toString('latin1', at, at + PREFIX),
          data.subarray(at),
        )
        remaining = length
      }
      const take = Math.min(remaining, data.length - at)
      remaining -= take
      at += take
      if (remaining > 0) return
      requests++
      answer(socket)
      answer = null
    }
  })
})

server.listen(0, '127.0.0.1', 4096, () => {
  const address = server.address()
  process.send!({ port: typeof address === 'object' && address ? address.port : 0 })
})
process.on('message', (message: { readonly id: number }) =>
  process.send!({ id: message.id, result: { openStreams, requests } }),
)
process.on('disconnect', () => process.exit(0))
