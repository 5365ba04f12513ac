import type { JsonObject, WebSearchTool } from './neutral/index.ts'
import { compact, optional, string } from './read.ts'

type Location = NonNullable<WebSearchTool['location']>

/** Where the searcher is, as OpenAI and Anthropic write it alike: city, region, country, timezone. */
export const readLocation = (value: JsonObject, path: string): Location =>
  compact({
    city: optional(value['city'], `${path}.city`, string),
    region: optional(value['region'], `${path}.region`, string),
    country: optional(value['country'], `${path}.country`, string),
    timezone: optional(value['timezone'], `${path}.timezone`, string),
  })

export const writeLocation = ({ city, region, country, timezone }: Location): JsonObject =>
  compact({ city, region, country, timezone })
