import { GatewayError } from '../kernel/errors.ts'
import type { ProviderKind, Settings } from '../provider-kinds/provider-kind.ts'

/** They become parts of host names and paths. */
const settingValue = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** Refuses settings that the kind does not have, and values that could not be part of an address. Throws `invalid_request`. */
export const checkSettings = (kind: ProviderKind, settings: Settings): Settings => {
  const known = (kind.settings ?? []).map(({ name }) => name)
  for (const [name, value] of Object.entries(settings)) {
    if (!known.includes(name))
      throw wrong(
        known.length > 0
          ? `settings: providers of kind "${kind.id}" have no setting "${name}". They have: ${known.join(', ')}.`
          : `settings: providers of kind "${kind.id}" have no settings.`,
      )
    if (!settingValue.test(value))
      throw wrong(
        `settings: ${name} must be 1 to 63 lower-case letters, digits and dashes, not "${value.slice(0, 64)}".`,
      )
  }
  return settings
}

/** The base URL of a kind with its braces filled; null when the kind has none. Throws `invalid_request` that names every missing setting. */
export const filledBaseUrl = (kind: ProviderKind, settings: Settings): string | null => {
  if (kind.baseUrl === null) return null
  const missing = (kind.settings ?? []).filter(({ name }) => settings[name] === undefined)
  if (missing.length > 0) {
    const names = missing.map(({ name, title }) => `${name} (${title})`).join(', ')
    throw wrong(
      `settings: providers of kind "${kind.id}" need ${names}, or a base_url of your own.`,
      `For example: ${missing.map(({ name }) => `--set ${name}=…`).join(' ')}`,
    )
  }
  return (
    kind.addressFor?.(settings) ??
    kind.baseUrl.replaceAll(/\{([a-z]+)\}/g, (_all, name: string) => settings[name] ?? '')
  )
}

const wrong = (message: string, hint?: string): GatewayError =>
  new GatewayError('invalid_request', message, { param: 'settings', ...(hint !== undefined && { hint }) })
