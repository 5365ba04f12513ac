/**
 * How sealed reasoning state (endpoints/sealed-state.ts) begins wherever a protocol carries it. Chosen so that the whole is valid base64, which Google's SDKs demand of
 * signatures, and so that looking for it in a body costs next to nothing.
 */
export const sealPrefix = 'TollgateSeal'

export const isSealed = (text: string): boolean => text.startsWith(sealPrefix)
