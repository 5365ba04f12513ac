/**
 * Top-level fields of all protocols that make another request if they vanish, by the names under which decoders keep them in `extensions`. A codec refuses those of the
 * other protocols (protocols reference, part 15); everything else that it does not know is a hint, dropped and named.
 */
export const meaningfulFields: ReadonlySet<string> = new Set([
  // OpenAI
  'prediction',
  'audio',
  'moderation',
  'web_search_options',
  'functions',
  'function_call',
  'previous_response_id',
  'conversation',
  'background',
  'prompt',
  // Responses: a choice of hosted tools
  'tool_choice',
  // Anthropic
  'container',
  'mcp_servers',
  'context_management',
  'compaction',
  'fallbacks',
  'thread',
  'inference_geo',
  // Gemini
  'cachedContent',
  'continuationToken',
  'modelArmorConfig',
  'generationConfig.responseModalities',
  'generationConfig.responseFormat',
  'generationConfig.responseMimeType',
  'generationConfig.speechConfig',
  'generationConfig.imageConfig',
  'generationConfig.translationConfig',
  'toolConfig.functionCallingConfig.streamFunctionCallArguments',
])
