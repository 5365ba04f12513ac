import type { RawRoad } from '../protocol.ts'
import { rawRequest } from './raw-request.ts'
import { createTap, rawResponse } from './tap.ts'

export const raw: RawRoad = { request: rawRequest, response: rawResponse, createTap }
