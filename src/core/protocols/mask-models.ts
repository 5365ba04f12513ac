const namedModel = /("model(?:Version)?"\s*:\s*)"(?:[^"\\]|\\.)*"/g

/**
 * Every `"model":"…"` (and Gemini's `"modelVersion":"…"`) of a piece of JSON as `model`, all other bytes as they were; the same buffer when nothing changes. Only for
 * pieces that hold nothing of users (the frame of a message and its usage) and for what cannot be read: inside of strings the quotes are escaped, so that text does not
 * match.
 */
export const maskModels = (bytes: Buffer, model: string): Buffer => {
  // Latin-1 maps bytes to characters one to one, so that nothing but the names can change.
  const before = bytes.toString('latin1')
  const name = Buffer.from(JSON.stringify(model)).toString('latin1')
  const after = before.replace(namedModel, (_, key: string) => key + name)
  return after === before ? bytes : Buffer.from(after, 'latin1')
}
