import { GatewayError } from '../kernel/errors.ts'

const shape =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * The one form in which an address is stored and compared: trimmed, lower case, at most 254 characters. Only ASCII passes, so that two addresses that look the
 * same are the same. Throws `invalid_request`.
 */
export const normaliseEmail = (text: string): string => {
  const email = text.trim().toLowerCase()
  const local = email.lastIndexOf('@')
  if (email.length > 254 || local > 64 || !shape.test(email)) {
    const message = 'email: This is no e-mail address we can use. Write it like ada@example.com, in ASCII.'
    throw new GatewayError('invalid_request', message, {
      param: 'email',
      fields: [{ path: 'email', message: 'No valid e-mail address.' }],
    })
  }
  return email
}
