import type { Command } from 'commander'
import { processSurroundings } from '../../src/cli/context.ts'
import { buildProgram } from '../../src/cli/program.ts'
import type { Page } from './page.ts'

export const cliPage: Page = {
  file: 'cli.md',
  async render() {
    let text = ''
    const surroundings = processSurroundings()
    const io = {
      ...surroundings.io,
      out: (part: string) => void (text += part),
      err: () => undefined,
      colour: false,
      outIsTerminal: false,
    }
    const program = buildProgram({ ...surroundings, io })
    const helpOf = (command: Command): string => {
      text = ''
      command.outputHelp()
      // The same on every command; they stand once, at the top.
      return text.replace(/Global Options:\n(?: .*\n)*\n?/, '').trimEnd()
    }
    const sections = (command: Command, path: string, depth: number): string[] => [
      `${'#'.repeat(depth)} ${path}\n\n\`\`\`\n${helpOf(command)}\n\`\`\`\n`,
      ...command.commands.flatMap((child) => sections(child, `${path} ${child.name()}`, Math.min(depth + 1, 4))),
    ]
    return `# Command line\n\nWhat \`--help\` says, for every command.\n\n${sections(program, 'gateway', 2).join('\n')}`
  },
}
