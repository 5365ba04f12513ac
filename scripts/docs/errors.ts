import { errorCatalogue, exitCode } from '../../src/core/kernel/errors.ts'
import { wireRefusals } from '../../src/daemon/wire-refusal.ts'
import { code, table } from './page.ts'
import type { Page } from './page.ts'

const exitMeaning: Readonly<Record<keyof typeof exitCode, string>> = {
  done: 'done',
  failed: 'failed; the message says why',
  usage: 'the command line is not valid',
  notAuthorised: 'not authorised',
  unavailable: 'the daemon or the database is unavailable',
  bug: 'a bug',
  io: 'input or output failed, or data is corrupt',
  busy: 'busy; try again',
  otherVersion: 'the other side runs another version',
  permission: 'permission denied',
  configuration: 'the configuration is not valid',
}

export const errorsPage: Page = {
  file: 'errors.md',
  async render() {
    const errors = Object.entries(errorCatalogue).map(([name, { status, kind, retry, exit, message }]) => [
      code(name),
      String(status),
      kind,
      retry ? 'yes' : 'no',
      String(exit),
      message,
    ])
    const exits = Object.entries(exitCode).map(([name, number]) => [
      String(number),
      exitMeaning[name as keyof typeof exitCode],
    ])
    const wire = wireRefusals
      .toSorted((left, right) => left.status - right.status)
      .map(({ code: name, status, message }) => [code(name), String(status), message])
    return `# Errors

Every error has a \`code\` that programs may rely on and a sentence for people that says what to do. On the proxy it comes in the client's own protocol: OpenAI
\`{"error":{"message","type","code","param"}}\`, Anthropic \`{"type":"error","error":{"type","message"},"request_id"}\`, and inside a started stream as that protocol's error event. The
admin plane answers with \`application/problem+json\`. "Retry" is what \`x-should-retry\` says.

${table(['code', 'status', 'kind', 'retry', 'exit code', 'usual message'], errors)}

## Refused before anything is read

What is no HTTP that is served here ends its connection. The body is that of the plane or of Google's API where the path tells, else one that OpenAI's and Anthropic's SDKs both read.

${table(['code', 'status', 'message'], wire)}

## Exit codes of the program

${table(['code', 'meaning'], exits)}
`
  },
}
