import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { checkNorms, checkOrder, checkUniqueKeys, normsWarning } from '../../lib/data/checks.js'
import { locateBase, readCard } from '../../lib/data/locate.js'
import { readSide, readTexts } from '../../lib/data/side-file.js'
import { agreedSpace, requireSameSpace } from '../../lib/data/space.js'
import { LvmError } from '../../lib/errors.js'
import { resolveLimits } from '../../lib/files/limits.js'
import { refused, scratch } from '../files/fixture.js'

const jsonl = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
const rows = [
  { article_id: 'a', title: 'A', index: 0, text: 'one – é', categories: ['x', 'y'] },
  { article_id: 'a', title: 'A', index: 1, text: 'two' },
  { article_id: 7, title: 'B', index: 3, text: 'three' },
]

describe('side files', () => {
  it.each(['side.jsonl', 'side.jsonl.gz'])(
    'a side file named %s is read with its articles, positions, titles and categories',
    async (name) => {
      const text = jsonl(rows)
      const path = scratch(name, name.endsWith('gz') ? gzipSync(text) : text)
      const side = await readSide(path, 3)
      expect(side.articles!.ids).toEqual(['a', '7'])
      expect([...side.articles!.of]).toEqual([0, 0, 1])
      expect([...side.positions!]).toEqual([0, 1, 3])
      expect([...side.titles]).toEqual([
        ['a', 'A'],
        ['7', 'B'],
      ])
      expect([...side.categories]).toEqual([['a', ['x', 'y']]])
      expect(await readTexts(path)).toEqual(['one – é', 'two', 'three'])
    },
  )
  it('readSide accepts lines without article ids and without a last line feed', async () => {
    const side = await readSide(scratch('bare.jsonl', '{"text":"a"}\n\n{"text":"b"}'), 2)
    expect([side.articles, side.positions]).toEqual([undefined, undefined])
    expect(await readTexts(scratch('none.jsonl', '{"text":"a"}\n{}'))).toBeUndefined()
  })
  it('readSide requires one line per row', async () => {
    expect(await refused('DATA_SHAPE', readSide(scratch('n.jsonl', jsonl(rows)), 2))).toMatch(
      /expected 2 lines, one for each vector, but received 3/,
    )
    expect(await refused('DATA_SHAPE', readSide(scratch('n.jsonl', jsonl(rows)), 4))).toMatch(/received 3/)
  })
  it.each<[string, string | Uint8Array, RegExp, string?]>([
    ['not JSON', '{"text":"a"}\nhello\n', /line 2 is not JSON/],
    ['a number', '3\n', /line 1 is not an object/],
    ['an id on some lines', jsonl([{ article_id: 'a' }, {}]), /on 1 of 2 lines/],
    ['an invalid id', jsonl([{ article_id: [] }, {}]), /line 1.*"article_id"/],
    ['an invalid index', jsonl([{ index: '0' }, {}]), /line 1.*"index"/],
    ['a cut gzip', gzipSync(jsonl(rows)).subarray(0, 60), /damaged or truncated/, 'cut.jsonl.gz'],
    ['no gzip', 'hello', /damaged or truncated/, 'no.jsonl.gz'],
  ])('readSide refuses %s', async (_, content, message, name = 'bad.jsonl') => {
    expect(await refused('DATA_FORMAT', readSide(scratch(name, content), 2))).toMatch(message)
  })
  it.each<[string, string | Uint8Array]>([
    ['a byte order mark', `\uFEFF${jsonl(rows)}`],
    ['null for missing values', jsonl(rows.map((row) => ({ ...row, index: null, title: null, categories: null })))],
    ['NaN and Infinity', jsonl(rows).replaceAll('"text"', '"score":NaN,"low":-Infinity,"list":[NaN,1],"text"')],
    ['Windows line ends', jsonl(rows).replaceAll('\n', '\r\n')],
  ])('readSide accepts %s', async (_, content) => {
    const side = await readSide(scratch('other.jsonl', content), 3)
    expect(side.articles!.ids).toEqual(['a', '7'])
    expect(await readTexts(scratch('other.jsonl'))).toEqual(['one – é', 'two', 'three'])
  })
  it('readTexts keeps NaN in a text', async () => {
    expect(await readTexts(scratch('nan.jsonl', '{"score":NaN,"text":"a \\"NaN\\", NaN, b"}'))).toEqual(['a "NaN", NaN, b'])
  })
  it.each<[string, string | Uint8Array, RegExp]>([
    ['UTF-16', Buffer.from(`\uFEFF${jsonl(rows)}`, 'utf16le'), /it is UTF-16/],
    ['UTF-16 of the other byte order', Buffer.from(`\uFEFF${jsonl(rows)}`, 'utf16le').swap16(), /it is UTF-16/],
    ['UTF-16 without a mark', Buffer.from(jsonl(rows), 'utf16le'), /it is UTF-16 without a mark/],
    [
      'ids in Latin-1',
      Buffer.from(jsonl([{ article_id: 'é' }, { article_id: 'è' }, { article_id: 'e' }]), 'latin1'),
      /line 1: "article_id" is not in UTF-8/,
    ],
    ['a number beyond 2^53', `{"article_id":${2 ** 53 + 2}}\n`.repeat(3), /line 1.*within 2\^53/],
    [
      'a number and a text that read the same',
      jsonl([{ article_id: 1 }, { article_id: '1' }, {}]),
      /line 2.*both as a number and as a text/,
    ],
    ['deeply nested lists', `{"article_id":${'['.repeat(1e5)}${']'.repeat(1e5)}}\n`, /line 1: it nests deeper than 100/],
    ['an id that throws when it is shown', jsonl([{ article_id: { toString: 1, valueOf: 1 } }, {}, {}]), /line 1/],
    ['a position that throws when it is shown', jsonl([{ index: { toString: 1 } }, {}, {}]), /line 1/],
    ['too many blank lines', '\n'.repeat(200_000), /100000 lines/],
    ['too many lines', '{}\n'.repeat(200_000), /100000 lines/],
  ])('readSide refuses %s', async (_, content, message) => {
    expect(await refused('DATA_FORMAT', readSide(scratch('odd.jsonl', content), 3))).toMatch(message)
  })
  it('readSide keeps numbers and texts with different digits apart', async () => {
    expect(
      (await readSide(scratch('mixed.jsonl', jsonl([{ article_id: 1 }, { article_id: '01' }, { article_id: '1.0' }])), 3))
        .articles!.ids,
    ).toEqual(['1', '01', '1.0'])
  })
  it('readSide accepts a text that is not UTF-8 and drops categories that are not labels', async () => {
    const lines = jsonl([{ article_id: 'a', text: 'é', categories: ['x', { toString: 1 }, [[1]], 5, null] }])
    const side = await readSide(scratch('latin.jsonl', Buffer.from(lines, 'latin1')), 1)
    expect([...side.categories]).toEqual([['a', ['x', '5']]])
  })
  it('readSide limits the unpacked size of a .gz', async () => {
    const path = scratch('bomb.jsonl.gz', gzipSync(Buffer.alloc(40 << 20, 'a')))
    expect(await refused('DATA_FORMAT', readSide(path, 3))).toMatch(/a line is longer/)
    const limits = resolveLimits('test', { unpackedBytes: 1 << 20, unpackedRatio: 2 })
    expect(await refused('DATA_FORMAT', readSide(path, 3, limits))).toMatch(/unpack to more than/)
  })
  it('readSide does not block the event loop', async () => {
    const path = scratch(
      'many.jsonl',
      jsonl(Array.from({ length: 60_000 }, (_, i) => ({ article_id: `a${i >> 7}`, index: i & 127, text: 'x'.repeat(120) }))),
    )
    let longest = 0
    let last = performance.now()
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last)
      last = performance.now()
    }, 1)
    await readSide(path, 60_000)
    clearInterval(timer)
    expect(longest).toBeLessThan(100)
  })
})

describe('the files of a base', () => {
  it('locateBase finds files with and without extension', () => {
    const vectors = scratch('wiki.npy', '')
    const side = scratch('wiki.jsonl.gz', '')
    const card = scratch('wiki.card.json', '{}')
    const stem = scratch('wiki')
    for (const name of [stem, vectors, side]) expect(locateBase(name)).toMatchObject({ vectors, side, card })
  })
  it('locateBase finds extensions in upper and lower case', () => {
    const [vectors, side, card] = ['LOUD.NPY', 'LOUD.Jsonl', 'LOUD.CARD.JSON'].map((name) => scratch(name, '{}'))
    expect(locateBase(vectors!)).toMatchObject({ vectors, side, card })
    expect(locateBase(scratch('LOUD'))).toMatchObject({ vectors, side, card })
    const [packed, lines] = ['Zipped.NPZ', 'Zipped.JSONL.GZ'].map((name) => scratch(name, ''))
    expect(locateBase(packed!)).toMatchObject({ vectors: packed, side: lines, card: undefined })
  })
  it('readCard accepts a byte order mark, null and NaN, and refuses other encodings and deep nesting', async () => {
    expect(await readCard(scratch('mark.card.json', '\uFEFF{"space":"x","source":null,"score":NaN}'))).toEqual({ space: 'x' })
    const utf16 = scratch('utf16.card.json', Buffer.from('\uFEFF{"space":"x"}', 'utf16le'))
    expect(await refused('DATA_FORMAT', readCard(utf16))).toMatch(/UTF-16/)
    const deep = scratch('deep.card.json', `{"space":${'['.repeat(1e5)}${']'.repeat(1e5)}}`)
    expect(await refused('DATA_FORMAT', readCard(deep))).toMatch(/deeper than 100/)
    const odd = scratch('odd.card.json', '{"space":{"toString":1}}')
    expect(await refused('DATA_FORMAT', readCard(odd))).toMatch(/a text for "space"/)
  })
  it('locateBase refuses missing, ambiguous and unsupported files', () => {
    scratch('twice.npy', '')
    scratch('twice.npz', '')
    const code = (path: string) => {
      try {
        locateBase(path)
      } catch (error) {
        return [(error as LvmError).code, (error as LvmError).message]
      }
      return []
    }
    expect(code(scratch('twice'))[0]).toBe('BAD_OPTION')
    expect(locateBase(scratch('twice.npz')).vectors).toBe(scratch('twice.npz'))
    expect(code(scratch('absent'))).toEqual([
      'FILE_MISSING',
      expect.stringMatching(/absent\.npy, .*absent\.npz, .*absent\.safetensors/),
    ])
    expect(code(scratch('absent.npz'))[0]).toBe('FILE_MISSING')
  })
  it('agreedSpace takes the space of card or option and refuses two that differ', async () => {
    const card = await readCard(scratch('s.card.json', '{"space":"gtr","licence":"MIT","rows":3}'))
    expect(card).toEqual({ space: 'gtr', licence: 'MIT' })
    expect(agreedSpace('x', card, undefined)).toBe('gtr')
    expect(agreedSpace('x', card, 'gtr')).toBe('gtr')
    expect(agreedSpace('x', undefined, 'mpnet')).toBe('mpnet')
    expect(agreedSpace('x', {}, undefined)).toBeUndefined()
    expect(() => agreedSpace('x', card, 'mpnet')).toThrow(
      /expected "gtr", the space of its card, for "space" but received "mpnet"/,
    )
  })
  it('requireSameSpace accepts only two known, equal spaces', () => {
    requireSameSpace({ path: 'a', space: 'gtr' }, { path: 'b', space: 'gtr' })
    requireSameSpace({ path: 'a', space: undefined }, { path: 'a', space: undefined })
    for (const [x, y] of [
      ['gtr', 'mpnet'],
      ['gtr', undefined],
      [undefined, undefined],
    ]) {
      expect(() => requireSameSpace({ path: 'a', space: x }, { path: 'b', space: y })).toThrow(LvmError)
    }
  })
  it.each(['{', '[]', 'null', '{"space":3}', '{"space":""}'])('readCard refuses the card %s', async (text) => {
    await refused('DATA_FORMAT', readCard(scratch('bad.card.json', text)))
  })
})

describe('checks', () => {
  const norms = (...values: number[]) => checkNorms('v.npy', Float64Array.from(values), (i) => `row ${i}`)
  const caught = (run: () => unknown): [string, string] => {
    try {
      run()
    } catch (error) {
      return [(error as LvmError).code, (error as LvmError).message]
    }
    return ['', '']
  }
  const articles = (...of: number[]) => ({ ids: ['a', 'b', 'c'], of: Int32Array.from(of) })

  it('checkNorms and normsWarning return the figures of lengths', () => {
    expect(norms(1, 1.005, 2, 0.5)).toEqual({ min: 0.5, max: 2, mean: 1.12625, deviating: 2 })
    expect(normsWarning(norms(1, 1.009), 2)).toBeUndefined()
    expect(normsWarning(norms(1, 2), 2)).toMatch(
      /1 of 2 vectors .*from 1\.000 to 2\.000, mean 1\.500.*; "normalize" makes them so/,
    )
  })
  it('checkNorms lists rows that are not finite or zero', () => {
    expect(caught(() => norms(1, Number.NaN, Infinity))).toEqual([
      'DATA_NOT_FINITE',
      'v.npy: 2 vectors are not finite (NaN or Inf): row 1, row 2',
    ])
    expect(caught(() => norms(1, 0))).toEqual(['DATA_ZERO', 'v.npy: one vector is all zeros: row 1'])
    expect(caught(() => norms(...new Array(9).fill(0)))[1]).toMatch(/9 vectors are all zeros: row 0, .*row 4, …/)
  })
  it('two rows with the same article and position are refused as duplicate keys', () => {
    expect(caught(() => checkUniqueKeys('v.npz', articles(0, 1, 0, 0), Int32Array.of(0, 0, 0, 0)))).toEqual([
      'DATA_DUPLICATE_KEY',
      'v.npz: rows 0 and 2 are both position 0 of article "a", and 1 more rows repeat a key',
    ])
    checkUniqueKeys('v.npz', articles(0, 1, 0), Int32Array.of(0, 0, 1))
  })
  it('checkOrder refuses articles that are apart or out of order', () => {
    checkOrder('v.npz', articles(0, 0, 2, 1), Int32Array.of(0, 2, 0, 5))
    expect(caught(() => checkOrder('v.npz', articles(0, 1, 0), undefined))).toEqual([
      'DATA_ORDER',
      expect.stringMatching(/article "a" begins again after rows of other articles at row 2/),
    ])
    expect(caught(() => checkOrder('v.npz', articles(0, 0), Int32Array.of(3, 1)))[1]).toMatch(
      /goes back from position 3 to 1 at row 1/,
    )
    expect(caught(() => checkOrder('v.npz', articles(0, 0), Int32Array.of(3, 3)))[0]).toBe('DATA_DUPLICATE_KEY')
  })
})
