import { defineOperation } from '../kernel/operation.ts'
import type { Operation } from '../kernel/operation.ts'
import type { WriteTransaction } from '../storage/storage.ts'
import type { Keys } from './keys.ts'
import {
  createKeyInput,
  issuedKeyView,
  keyInput,
  keysPage,
  keyView,
  listKeysInput,
  rotateKeyInput,
  updateKeyInput,
} from './schemas.ts'

export interface KeysDomains {
  readonly keys: Keys
}

const define = <Input, Output>(operation: Operation<KeysDomains, Input, Output, WriteTransaction>) =>
  defineOperation(operation)

export const keyOperations = [
  define({
    id: 'keys.create',
    method: 'POST',
    path: '/keys',
    role: 'admin',
    summary: 'Issue an API key; its secret is shown once',
    input: createKeyInput,
    output: issuedKeyView,
    audit: 'key.created',
    run: ({ keys }, { user, ...settings }, context) => keys.issue(user, settings, context),
  }),
  define({
    id: 'keys.list',
    method: 'GET',
    path: '/keys',
    role: 'operator',
    summary: 'List API keys, the newest first',
    input: listKeysInput,
    output: keysPage,
    run: ({ keys }, input) => keys.list(input),
  }),
  define({
    id: 'keys.show',
    method: 'GET',
    path: '/keys/:key',
    role: 'operator',
    summary: 'Show an API key',
    input: keyInput,
    output: keyView,
    run: ({ keys }, { key }) => keys.show(key),
  }),
  define({
    id: 'keys.update',
    method: 'PATCH',
    path: '/keys/:key',
    role: 'admin',
    summary: 'Change limits and settings of an API key; null clears one',
    input: updateKeyInput,
    output: keyView,
    audit: 'key.updated',
    run: ({ keys }, { key, ...changes }, context) => keys.update(key, changes, context),
  }),
  define({
    id: 'keys.enable',
    method: 'POST',
    path: '/keys/:key/enable',
    role: 'operator',
    summary: 'Let a disabled API key work again',
    input: keyInput,
    output: keyView,
    audit: 'key.enabled',
    run: ({ keys }, { key }, context) => keys.setStatus(key, 'active', context),
  }),
  define({
    id: 'keys.disable',
    method: 'POST',
    path: '/keys/:key/disable',
    role: 'operator',
    summary: 'Stop an API key until it is enabled again',
    input: keyInput,
    output: keyView,
    audit: 'key.disabled',
    run: ({ keys }, { key }, context) => keys.setStatus(key, 'disabled', context),
  }),
  define({
    id: 'keys.rotate',
    method: 'POST',
    path: '/keys/:key/rotate',
    role: 'admin',
    summary: 'Give an API key a new secret; the old one may work for a while longer',
    input: rotateKeyInput,
    output: issuedKeyView,
    audit: 'key.rotated',
    run: ({ keys }, { key, grace_seconds: grace }, context) => keys.rotate(key, grace ?? 0, context),
  }),
  define({
    id: 'keys.revoke',
    method: 'POST',
    path: '/keys/:key/revoke',
    role: 'admin',
    summary: 'Stop an API key for good, within a second',
    input: keyInput,
    output: keyView,
    audit: 'key.revoked',
    run: ({ keys }, { key }, context) => keys.setStatus(key, 'revoked', context),
  }),
  define({
    id: 'keys.delete',
    method: 'DELETE',
    path: '/keys/:key',
    role: 'admin',
    summary: 'Remove an API key; its usage stays in the log',
    input: keyInput,
    output: keyView,
    audit: 'key.deleted',
    run: ({ keys }, { key }, context) => keys.delete(key, context),
  }),
]
