import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSmallFile } from '../core/config/small-file.ts'
import { GatewayError } from '../core/kernel/errors.ts'

/** What `gateway login` keeps: one gateway and the token for it. */
export interface Login {
  readonly url: string
  readonly token: string
}

const file = (configHome: string): string => join(configHome, 'login.json')

/** The saved login, or null. Throws when the file is broken or others can read it. */
export const readLogin = (configHome: string): Login | null => {
  const path = file(configHome)
  let content: { text: string; mode: number }
  try {
    content = readSmallFile(path, 64 * 1024)
  } catch (error) {
    if (error instanceof GatewayError && error.message.endsWith('does not exist.')) return null
    throw error
  }
  const wrong = (why: string, hint: string): GatewayError =>
    new GatewayError('configuration_invalid', `${path} ${why}.`, { hint })
  if ((content.mode & 0o077) !== 0) throw wrong('can be read by others', `chmod 600 ${path}`)
  try {
    const value: unknown = JSON.parse(content.text)
    if (
      typeof value === 'object' &&
      value !== null &&
      'url' in value &&
      'token' in value &&
      typeof value.url === 'string' &&
      typeof value.token === 'string'
    ) {
      return { url: value.url, token: value.token }
    }
  } catch {
    // Falls through to the refusal.
  }
  throw wrong('is not what "gateway login" wrote', 'Run "gateway logout", then "gateway login" again.')
}

export const writeLogin = (configHome: string, login: Login): void => {
  mkdirSync(configHome, { recursive: true, mode: 0o700 })
  const draft = `${file(configHome)}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(login, null, 2)}\n`, { mode: 0o600 })
  renameSync(draft, file(configHome))
}

export const removeLogin = (configHome: string): void => rmSync(file(configHome), { force: true })
