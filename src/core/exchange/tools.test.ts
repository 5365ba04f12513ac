import { expect, test } from 'vitest'
import { inspect } from '../protocols/anthropic-messages/inspect.ts'
import { inspect as inspectGemini } from '../protocols/gemini/inspect.ts'
import { inspect as inspectResponses } from '../protocols/openai-responses/inspect.ts'
import { usesHostedTools } from './tools.ts'

const uses = (fields: string): boolean =>
  usesHostedTools(
    inspect(Buffer.from(`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"a"}]${fields}}`)),
  )

test.each([
  '"tools":[{"type":"web_search_20250305","name":"web_search"}]',
  '"tools":[{"name":"f","input_schema":{"type":"object"}},{"name":"web_fetch","type" :\n\t"web_fetch_20250910"}]',
  '"tools":[{"type":"code_execution_20250825","name":"code_execution"}]',
  '"tools":[{"type":"tool_search_tool_regex_20251119","name":"s"}]',
  '"tools":[{"type":"mcp_toolset","mcp_server_name":"x"}]',
  '"tools":[{"type":"web_search"}]',
  '"tools":[{"t\\u0079pe":"\\u0077eb_search_20250305","name":"web_search"}]',
  '"mcp_servers":[{"type":"url","url":"https://mcp.example/"}]',
  '"web_search_options":{}',
  '"contents":[],"tools":[{"type":"web_search"}]',
])('the provider runs tools: %s', (fields) => {
  expect(uses(`,${fields}`)).toBe(true)
})

test.each([
  '',
  ',"tools":[]',
  ',"tools":[{"type":"custom","name":"web_search","input_schema":{"type":"object"}}]',
  ',"tools":[{"name":"f","description":"say \\"type\\":\\"web_search_20250305\\"","input_schema":{"type":"object"}}]',
  ',"tools":[{"name":"f","description":"caf\\u00e9 \\"type\\":\\"mcp\\"","input_schema":{"type":"object"}}]',
  ',"tools":[{"type":"bash_20250124","name":"bash"}]',
  ',"tools":null,"mcp_servers":[ ],"web_search_options":null',
])("nothing runs at the provider: '%s'", (fields) => {
  expect(uses(fields)).toBe(false)
})

const geminiUses = (tools: string): boolean =>
  usesHostedTools(
    inspectGemini(Buffer.from(`{"contents":[{"parts":[{"text":"a"}]}],"tools":[${tools}]}`), { model: 'm' }),
  )

test.each([
  '{"googleSearch":{}}',
  '{"google_search" :{}}',
  '{"functionDeclarations":[{"name":"f"}],"codeExecution":{}}',
  '{"url\\u0043ontext":{}}',
  '{"fileSearch":{"fileSearchStoreNames":["x"]}}',
])("Gemini's provider runs tools: %s", (tools) => {
  expect(geminiUses(tools)).toBe(true)
})

test("functions are the client's to run", () => {
  const described = '{"name":"f","description":"like \\"googleSearch\\": but mine"}'
  expect(geminiUses(`{"functionDeclarations":[${described}]}`)).toBe(false)
})

const responsesUses = (fields: string): boolean =>
  usesHostedTools(inspectResponses(Buffer.from(`{"model":"m",${fields}}`)))

test.each([
  '"input":"a","tools":[{"type":"code_interpreter","container":{"type":"auto"}}]',
  '"input":"a","tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]',
  '"input":"a","tools":[{"type":"image_generation"}]',
  '"input":"a","tools":[{"type":"shell"}]',
  '"input":[{"type":"additional_tools","role":"developer","tools":[{"type":"web_search"}]}]',
])('the provider runs tools for a Responses client: %s', (fields) => {
  expect(responsesUses(fields)).toBe(true)
})

test.each([
  '"input":"a","tools":[{"type":"function","name":"shell","parameters":null}]',
  '"input":"a","tools":[{"type":"apply_patch"},{"type":"local_shell"},{"type":"custom","name":"mcp"}]',
  '"input":[{"role":"user","content":"\\"type\\":\\"web_search\\" and additional_tools"}]',
])('the client runs all its tools: %s', (fields) => {
  expect(responsesUses(fields)).toBe(false)
})
