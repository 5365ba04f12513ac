import { describe, expect, test } from 'vitest'
import { decodeCitations, encodeGrounding } from './citations.ts'

const text = 'Zürich 🙂 has a lake. It is blue.'
const bytesOf = (words: string) => {
  const startIndex = Buffer.byteLength(text.slice(0, text.indexOf(words)))
  return { startIndex, endIndex: startIndex + Buffer.byteLength(words), text: words }
}
const chunks = [
  { web: { uri: 'https://a.example', title: 'A' } },
  { web: { uri: 'https://b.example' } },
  { retrievedContext: { text: 'no address' } },
]
const grounded = (...groundingSupports: object[]) => ({
  groundingMetadata: JSON.parse(JSON.stringify({ groundingChunks: chunks, groundingSupports })) as object,
})
const decode = (candidate: object, words = text) =>
  decodeCitations(candidate as Parameters<typeof decodeCitations>[0], words)

describe('sources of an answer', () => {
  test('bytes become characters: an umlaut and an emoji count one each', () => {
    const told = decode(grounded({ segment: bytesOf('It is blue.'), groundingChunkIndices: [0, 1] }))
    const letters = Array.from(text)
    expect(told).toHaveLength(2)
    expect(told[0]).toEqual({
      type: 'url_citation',
      url: 'https://a.example',
      title: 'A',
      start_index: 21,
      end_index: 32,
    })
    expect(told[1]).toMatchObject({ url: 'https://b.example', title: '' })
    expect(letters.slice(21, 32).join('')).toBe('It is blue.')
  })

  test('a segment that counts from elsewhere is found by its words, one that is not in the text has no place', () => {
    const told = decode(
      grounded(
        { segment: { startIndex: 900, endIndex: 911, text: 'It is blue.' }, groundingChunkIndices: [0] },
        { segment: { endIndex: 4, text: 'gone' }, groundingChunkIndices: [0] },
      ),
    )
    expect(told).toEqual([
      { type: 'url_citation', url: 'https://a.example', title: 'A', start_index: 21, end_index: 32 },
      { type: 'url_citation', url: 'https://a.example', title: 'A' },
    ])
  })

  test('sources without an address are left out, sources without a segment have no place', () => {
    expect(decode(grounded({ segment: bytesOf('lake'), groundingChunkIndices: [2, 7, 'x'] }))).toEqual([])
    expect(decode({ groundingMetadata: { groundingChunks: chunks } })).toEqual([
      { type: 'url_citation', url: 'https://a.example', title: 'A' },
      { type: 'url_citation', url: 'https://b.example', title: '' },
    ])
  })

  test('quotations are cited too', () => {
    const told = decode({
      citationMetadata: {
        citations: [{ uri: 'https://c.example', title: 'C', ...bytesOf('lake') }, { license: 'mit' }],
      },
    })
    expect(told).toEqual([
      { type: 'url_citation', url: 'https://c.example', title: 'C', start_index: 15, end_index: 19 },
    ])
  })

  test('what is written is read again, each source once', () => {
    const citations = [
      { type: 'url_citation', url: 'https://a.example', title: 'A', start_index: 0, end_index: 8 },
      { type: 'url_citation', url: 'https://b.example', title: '', start_index: 15, end_index: 19 },
      { type: 'url_citation', url: 'https://a.example', title: 'A', start_index: 21, end_index: 32 },
    ]
    const grounding = encodeGrounding(citations.map((citation) => ({ citation, text, offset: 0 })))!
    expect(grounding['groundingChunks']).toHaveLength(2)
    expect(decodeCitations({ groundingMetadata: grounding }, text)).toEqual(citations)
  })

  test('a place is counted from the beginning of all text', () => {
    const citation = { type: 'url_citation', url: 'https://a.example', title: 'A', start_index: 1, end_index: 3 }
    expect(encodeGrounding([{ citation, text: 'übér', offset: 10 }])?.['groundingSupports']).toEqual([
      { segment: { startIndex: 12, endIndex: 15, text: 'bé' }, groundingChunkIndices: [0] },
    ])
  })

  test("Anthropic's block is what is cited; OpenAI's nested form is read; what has no address is none", () => {
    const web = { type: 'web_search_result_location', url: 'https://a.example', title: 'A', cited_text: 'x' }
    const nested = { type: 'url_citation', url_citation: { url: 'https://b.example', title: 'B' } }
    const page = { type: 'page_location', document_title: 'D' }
    expect(encodeGrounding([web, nested, page].map((citation) => ({ citation, text: 'Blue.', offset: 0 })))).toEqual({
      groundingChunks: [
        { web: { uri: 'https://a.example', title: 'A' } },
        { web: { uri: 'https://b.example', title: 'B' } },
      ],
      groundingSupports: [{ segment: { endIndex: 5, text: 'Blue.' }, groundingChunkIndices: [0] }],
    })
    expect(encodeGrounding([{ citation: page, text, offset: 0 }])).toBeUndefined()
  })
})
