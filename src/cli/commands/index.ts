import type { Noun, Verb } from '../verb.ts'
import { audit } from './audit.ts'
import { config } from './config.ts'
import { credits } from './credits.ts'
import { db } from './db.ts'
import { demo } from './demo.ts'
import { init } from './init.ts'
import { keys } from './keys.ts'
import { login, logout } from './login.ts'
import { models } from './models.ts'
import { prices } from './prices.ts'
import { providerKeys } from './provider-keys.ts'
import { providers } from './providers.ts'
import { requests } from './requests.ts'
import { serve } from './serve.ts'
import { status } from './status.ts'
import { tokens } from './tokens.ts'
import { usage } from './usage.ts'
import { users } from './users.ts'
import { version } from './version.ts'

/** A noun, or a verb that stands by itself, under the heading that help shows it. */
export type Entry = { readonly group: string } & (Noun | { readonly verb: Verb })

/** Every command, in the order of the help. A new one is a file and a line here. */
export const entries: readonly Entry[] = [
  { group: 'Run', verb: demo },
  { group: 'Run', verb: init },
  { group: 'Run', verb: serve },
  { group: 'Run', verb: status },
  { group: 'People and money', ...users },
  { group: 'People and money', ...keys },
  { group: 'People and money', ...credits },
  { group: 'Models', ...providers },
  { group: 'Models', ...providerKeys },
  { group: 'Models', ...models },
  { group: 'Models', ...prices },
  { group: 'Reports', ...usage },
  { group: 'Reports', ...requests },
  { group: 'Reports', ...audit },
  { group: 'Operation', ...config },
  { group: 'Operation', ...db },
  { group: 'Operation', ...tokens },
  { group: 'Operation', verb: login },
  { group: 'Operation', verb: logout },
  { group: 'Operation', verb: version },
]
