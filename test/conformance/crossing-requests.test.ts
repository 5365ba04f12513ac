import { describe, expect, test } from 'vitest'
import { recordingsPresent } from '../support/recordings.ts'
import { exceptionFor } from './support/exceptions.ts'
import { pairs } from './support/pairs.ts'
import { requestArrives, sentRequests } from './support/requests.ts'

/** What cannot be said through the neutral form: functions from before there were tools, one provider's own words for an effort or for other models, state kept elsewhere. */
const onlyRaw = [
  'functions',
  'reasoning_effort',
  'models',
  'generationConfig.responseLogprobs',
  'previous_response_id',
  'background',
]

describe.skipIf(!recordingsPresent)(
  'what real clients send reaches every provider (skipped where they are absent)',
  () => {
    describe.each(pairs)('$name', ({ client, provider }) => {
      test.each(sentRequests(client))('says the same there, or is refused with its place: $id', (sent) => {
        const arrived = requestArrives(client, provider, sent)
        if ('refused' in arrived) {
          if (client.id === provider.id && !sent.wrong)
            expect(onlyRaw, arrived.refused.message).toContain(arrived.refused.param)
          return
        }
        const exception = exceptionFor('request', sent.id, provider.id)
        if (exception) expect(arrived.problems, `no exception any more: ${exception.reason}`).not.toEqual([])
        else expect(arrived.problems).toEqual([])
      })
    })
  },
)
