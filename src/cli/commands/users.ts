import type { UserView } from '../../core/identity/schemas.ts'
import { GatewayError } from '../../core/kernel/errors.ts'
import type { Context } from '../context.ts'
import { given as only } from '../given.ts'
import type { Given } from '../given.ts'
import { listOptions, listVerb } from '../list.ts'
import { operationVerb } from '../verb.ts'
import type { Noun } from '../verb.ts'
import { day } from '../show.ts'

const roles = ['user', 'operator', 'admin'] as const

const show = (user: UserView, { output }: Context): void =>
  output.fields([
    ['id', user.id],
    ['e-mail', user.email],
    ['name', user.name],
    ['role', user.role],
    ['status', user.status_reason ? `${user.status} (${user.status_reason})` : user.status],
    ['available', `${user.balance.available} credits`],
    ['held', `${user.balance.held} credits`],
    ['created', user.created_at],
  ])

const named = (given: Given): { user: string } => ({ user: given.arg('user') })

const password = async (context: Context, given: Given, needed: boolean): Promise<string | undefined> => {
  const secret = await context.secret(given, 'password', needed ? 'New password: ' : null)
  if (secret === null && needed)
    throw new GatewayError('usage_error', 'No password was given.', {
      hint: 'Use --password-stdin, --password-file or --password-env.',
    })
  return secret ?? undefined
}

export const users: Noun = {
  name: 'users',
  summary: 'people and programs with a wallet',
  verbs: [
    operationVerb<UserView>({
      usage: 'create <email>',
      summary: 'Create a user with an empty wallet',
      operation: 'users.create',
      options: [
        ['--name <name>', 'name for people'],
        ['--role <role>', 'user (default), operator or admin'],
      ],
      secrets: ['password'],
      examples: [
        ['users create ada@example.com --name "Ada Lovelace"', 'a user who gets keys from you'],
        [
          'users create root@example.com --role admin --password-stdin < password.txt',
          'an administrator with a password',
        ],
      ],
      input: async (given, context) => ({
        email: given.arg('email'),
        ...only({
          name: given.text('name'),
          role: given.choice('role', roles),
          password: await password(context, given, false),
        }),
      }),
      show(user, context) {
        show(user, context)
        context.note(`\nNext: gateway credits grant ${user.email} 10`)
      },
    }),
    listVerb<UserView>({
      usage: 'list',
      summary: 'List users, the newest first',
      operation: 'users.list',
      options: [
        ['--search <text>', 'part of the e-mail address or name'],
        ['--role <role>', 'only this role'],
        ['--status <status>', 'active, suspended or deleted'],
        ...listOptions,
      ],
      examples: [
        ['users list', 'the newest users'],
        ['users list --sort email', 'by e-mail address'],
        ['users list --status suspended --json', 'suspended users for a program'],
      ],
      input: (given) =>
        only({
          q: given.text('search'),
          role: given.choice('role', roles),
          status: given.choice('status', ['active', 'suspended', 'deleted']),
        }),
      columns: [
        { title: 'E-MAIL', value: (user) => user.email },
        { title: 'NAME', value: (user) => user.name },
        { title: 'ROLE', value: (user) => user.role },
        { title: 'STATUS', value: (user) => user.status },
        { title: 'AVAILABLE', value: (user) => user.balance.available, right: true },
        { title: 'HELD', value: (user) => user.balance.held, right: true },
        { title: 'CREATED', value: (user) => day(user.created_at) },
        { title: 'ID', value: (user) => user.id },
      ],
      empty: 'No users yet. Create one: gateway users create ada@example.com',
    }),
    operationVerb<UserView>({
      usage: 'show <user>',
      summary: 'Show a user with balance',
      operation: 'users.show',
      examples: [['users show ada@example.com', 'by e-mail address or id']],
      input: named,
      show,
    }),
    operationVerb<UserView>({
      usage: 'update <user>',
      summary: 'Change name or e-mail address',
      operation: 'users.update',
      options: [
        ['--name <name>', 'new name; "none" removes it'],
        ['--email <email>', 'new e-mail address'],
      ],
      examples: [['users update ada@example.com --name "Ada King"', 'a new name']],
      input(given) {
        const name = given.text('name')
        const changes = only({ name: name === 'none' ? null : name, email: given.text('email') })
        if (Object.keys(changes).length === 0)
          throw new GatewayError('usage_error', 'Nothing to change was given.', { hint: 'Use --name or --email.' })
        return { ...named(given), ...changes }
      },
      show,
    }),
    operationVerb<UserView>({
      usage: 'set-role <user> <role>',
      summary: 'Give a user another role',
      operation: 'users.set_role',
      examples: [['users set-role ada@example.com operator', 'may see users, keys and usage, but not touch money']],
      input(given) {
        const role = roles.find((one) => one === given.arg('role'))
        if (!role) throw new GatewayError('usage_error', `<role> must be one of ${roles.join(', ')}.`)
        return { ...named(given), role }
      },
      show,
    }),
    operationVerb<UserView>({
      usage: 'set-password <user>',
      summary: 'Set the password of a user',
      operation: 'users.set_password',
      secrets: ['password'],
      examples: [
        ['users set-password ada@example.com', 'asks for the password on a terminal'],
        ['users set-password ada@example.com --password-stdin < password.txt', 'elsewhere'],
      ],
      input: async (given, context) => ({ ...named(given), password: await password(context, given, true) }),
      show: (user, { output }) => output.line(`The password of ${user.email} is set.`),
    }),
    operationVerb<UserView>({
      usage: 'suspend <user>',
      summary: 'Suspend a user: the keys stop within a second',
      operation: 'users.suspend',
      options: [['--reason <text>', 'why; kept and shown']],
      examples: [['users suspend ada@example.com --reason "left the company" --yes', 'all keys of this user stop']],
      confirm: (given) => `Suspend ${given.arg('user')}? All keys of this user stop working.`,
      input: (given) => ({ ...named(given), reason: given.required('reason') }),
      show: (user, { output }) => output.line(`${user.email} is suspended.`),
    }),
    operationVerb<UserView>({
      usage: 'activate <user>',
      summary: 'Let a suspended or deleted user in again',
      operation: 'users.activate',
      examples: [['users activate ada@example.com', 'the keys work again']],
      input: named,
      show: (user, { output }) => output.line(`${user.email} is active.`),
    }),
    operationVerb<UserView>({
      usage: 'delete <user>',
      summary: 'Delete a user; wallet and usage stay in the books',
      operation: 'users.delete',
      examples: [['users delete ada@example.com --yes', 'without being asked']],
      confirm: (given) => `Delete ${given.arg('user')}? All keys of this user stop working.`,
      input: named,
      show: (user, { output }) => output.line(`${user.email} is deleted.`),
    }),
  ],
}
