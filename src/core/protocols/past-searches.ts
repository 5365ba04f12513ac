import type { JsonObject, NeutralRequest, Part, ProtocolId, Warning } from './neutral/index.ts'

/**
 * Whether an opaque block only tells that the provider searched the web: what came of it is in the text behind it. Responses tells the query, Messages a call and results
 * that are encrypted for Anthropic alone.
 */
const tellsSearch = (protocol: ProtocolId, { type, name }: JsonObject): boolean =>
  protocol === 'openai-responses'
    ? type === 'web_search_call'
    : type === 'web_search_tool_result' || (type === 'server_tool_use' && name === 'web_search')

/**
 * The request without the searches of the web that an earlier provider made, if it is not the one that is asked now: the search crosses as a tool, so that a conversation
 * with searches in it must not be stuck where it began.
 */
export const withoutPastSearches = (
  request: NeutralRequest,
  target: ProtocolId,
): { readonly request: NeutralRequest; readonly warnings: readonly Warning[] } => {
  const warnings: Warning[] = []
  const stays = (part: Part): boolean => {
    if (part.type !== 'opaque' || part.protocol === target || !tellsSearch(part.protocol, part.value)) return true
    const reason = 'an earlier search of the web is known only to the provider that made it'
    warnings.push({ path: part.path ?? 'messages', action: 'dropped', reason })
    return false
  }
  const messages = request.messages.map((message) =>
    message.role === 'assistant' ? { ...message, parts: message.parts.filter(stays) } : message,
  )
  if (warnings.length === 0) return { request, warnings }
  return { request: { ...request, messages: messages.filter(({ parts }) => parts.length > 0) }, warnings }
}
