import { credentialFormat } from '../kernel/credential.ts'

/** API keys: `sk-tg-` and 49 characters. */
export const keyFormat = credentialFormat('sk-tg-')

/** What people see of a key: enough to recognise it, nothing to guess it from. */
export const keyStart = (secret: string): string => `${secret.slice(0, 10)}…`
