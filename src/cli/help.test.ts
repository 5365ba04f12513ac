import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { buildProgram } from './program.ts'
import { runCli } from '../../test/support/run-cli.ts'

const leaves = (command: Command, path: readonly string[] = []): (readonly [string, Command])[] =>
  command.commands.length === 0
    ? [[path.join(' '), command]]
    : command.commands.flatMap((child) => leaves(child, [...path, child.name()]))

const commands = leaves(buildProgram()).filter(([path]) => path !== 'help')

describe('help', () => {
  test('of the program names every command', async () => {
    const { code, out } = await runCli(['--help'])
    expect(code).toBe(0)
    expect(out).toMatchSnapshot()
  })
  test.each(commands.map(([path]) => path))(
    'gateway %s: has a summary, its options and an example, within 110 columns',
    async (path) => {
      const { code, out, calls } = await runCli([...path.split(' '), '--help'])
      expect({ code, calls }).toEqual({ code: 0, calls: [] })
      expect(out).toContain(`Usage: gateway ${path}`)
      expect(out).toMatch(new RegExp(`Examples:\n  # .+\n  \\$ gateway ${path}`))
      expect(out).toContain('--json')
      expect(out.split('\n').filter((line) => line.length > 110 && !line.includes('$ gateway'))).toEqual([])
    },
  )
  test('also comes from "help" and needs no options', async () => {
    expect((await runCli(['help', 'users'])).out).toContain('Usage: gateway users')
    expect((await runCli(['help'])).code).toBe(0)
  })
  test('the version is printed by both of its names', async () => {
    const { out } = await runCli(['--version'])
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect((await runCli(['version'])).out).toContain(out.trim())
  })
})

test('every example is a command line that parses', async () => {
  const help = await Promise.all(commands.map(async ([path]) => (await runCli([...path.split(' '), '--help'])).out))
  const examples = help.flatMap((text) => [...text.matchAll(/^ {2}\$ gateway (.+)$/gm)].map((match) => match[1]!))
  expect(examples.length).toBeGreaterThan(commands.length - 1)
  const daemons = /^(serve|demo|init|login|logout|config (check|show)|usage tail)/
  const failed: string[] = []
  for (const example of examples.filter((line) => !daemons.test(line))) {
    const words = [...example.split(/ [|<] /)[0]!.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2]!)
    const { code, err } = await runCli([...words.filter((word) => word !== '--json'), '--json', '--yes'], {
      answer: () => ({ ok: true, data: [], next_cursor: null }),
      env: { OPENAI_API_KEY: 'sk' },
      stdin: 'secret',
    })
    // Files that an example names are not here, and nobody can be asked for a password.
    if (code !== 0 && !/does not exist|No password was given/.test(err)) failed.push(`${example}: ${code} ${err}`)
  }
  expect(failed).toEqual([])
})
