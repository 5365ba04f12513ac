import { defineOperation } from '../kernel/operation.ts'
import type { Operation } from '../kernel/operation.ts'
import type { WriteTransaction } from '../storage/storage.ts'
import type { PasswordHasher } from './passwords.ts'
import {
  createUserInput,
  listUsersInput,
  setPasswordInput,
  setRoleInput,
  suspendUserInput,
  updateUserInput,
  userInput,
  usersPage,
  userView,
} from './schemas.ts'
import type { Users } from './users.ts'

export interface UsersDomains {
  readonly users: Users
  readonly passwords: PasswordHasher
}

const define = <Input, Output, Prepared = Input>(
  operation: Operation<UsersDomains, Input, Output, WriteTransaction, Prepared>,
) => defineOperation(operation)

export const userOperations = [
  define({
    id: 'users.create',
    method: 'POST',
    path: '/users',
    role: 'admin',
    summary: 'Create a user with an empty wallet',
    input: createUserInput,
    output: userView,
    audit: 'user.created',
    prepare: async ({ users, passwords }, { password, ...input }) => {
      const email = users.normaliseEmail(input.email)
      return { ...input, email, passwordHash: password === undefined ? null : await passwords.hash(password, email) }
    },
    run: ({ users }, input, context) => users.create(input, context),
  }),
  define({
    id: 'users.list',
    method: 'GET',
    path: '/users',
    role: 'operator',
    summary: 'List users, the newest first',
    input: listUsersInput,
    output: usersPage,
    run: ({ users }, input) => users.list(input),
  }),
  define({
    id: 'users.show',
    method: 'GET',
    path: '/users/:user',
    role: 'operator',
    summary: 'Show a user with balance',
    input: userInput,
    output: userView,
    run: ({ users }, { user }) => users.show(user),
  }),
  define({
    id: 'users.update',
    method: 'PATCH',
    path: '/users/:user',
    role: 'admin',
    summary: 'Change name or e-mail address of a user',
    input: updateUserInput,
    output: userView,
    audit: 'user.updated',
    run: ({ users }, { user, ...changes }, context) => users.update(user, changes, context),
  }),
  define({
    id: 'users.set_role',
    method: 'PUT',
    path: '/users/:user/role',
    role: 'admin',
    summary: 'Give a user another role',
    input: setRoleInput,
    output: userView,
    audit: 'user.role_changed',
    run: ({ users }, { user, role }, context) => users.setRole(user, role, context),
  }),
  define({
    id: 'users.set_password',
    method: 'PUT',
    path: '/users/:user/password',
    role: 'admin',
    summary: 'Set the password of a user',
    input: setPasswordInput,
    output: userView,
    audit: 'user.password_set',
    prepare: async ({ users, passwords }, { user, password }) => {
      const { id, email } = await users.show(user)
      return { user: id, passwordHash: await passwords.hash(password, email) }
    },
    run: ({ users }, { user, passwordHash }, context) => users.setPasswordHash(user, passwordHash, context),
  }),
  define({
    id: 'users.suspend',
    method: 'POST',
    path: '/users/:user/suspend',
    role: 'admin',
    summary: 'Suspend a user: the keys stop within a second',
    input: suspendUserInput,
    output: userView,
    audit: 'user.suspended',
    run: ({ users }, { user, reason }, context) => users.suspend(user, reason, context),
  }),
  define({
    id: 'users.activate',
    method: 'POST',
    path: '/users/:user/activate',
    role: 'admin',
    summary: 'Let a suspended or deleted user in again',
    input: userInput,
    output: userView,
    audit: 'user.activated',
    run: ({ users }, { user }, context) => users.activate(user, context),
  }),
  define({
    id: 'users.delete',
    method: 'DELETE',
    path: '/users/:user',
    role: 'admin',
    summary: 'Delete a user: the keys stop within a second, wallet and history stay',
    input: userInput,
    output: userView,
    audit: 'user.deleted',
    run: ({ users }, { user }, context) => users.delete(user, context),
  }),
]
