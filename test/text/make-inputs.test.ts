import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { makeNext } from '../../bin/make-next.js'
import { openBase } from '../../lib/data/open.js'
import { resolve } from '../../lib/options.js'
import type { MakeEvent } from '../../lib/text/corpus/make-events.js'
import { makeFields } from '../../lib/text/corpus/make-fields.js'
import { doubleEncoder } from './double-encoder.js'
import { makeFolder } from './make-folder.js'

const { at, put, rows, texts, make } = makeFolder()

describe('texts', () => {
  test('a folder becomes a base that opens, in the order of its paths', async () => {
    put('b.txt', 'Second file. It has two sentences.')
    put('a-b.txt', 'First file.')
    mkdirSync(at('texts', 'a'))
    put('a/z.md', '# Title\n\nIn a folder.')
    put('.hidden.txt', 'Hidden.')
    const made = await make({ dtype: 'float32' })
    expect(made).toMatchObject({ rows: 5, articles: 3, dim: 16, dtype: 'float32', space: 'double · hash' })
    expect(rows().map(({ article_id: id, index, text }) => [id, index, text])).toEqual(
      [
        ['a-b.txt', 0, 'First file.'],
        ['a/z.md', 0, 'Title'],
        ['a/z.md', 1, 'In a folder.'],
        ['b.txt', 0, 'Second file.'],
        ['b.txt', 1, 'It has two sentences.'],
      ].slice(0, 5),
    )
  })
  test.each([
    ['a byte order mark', Buffer.from('\ufeffOne. Two.'), ['One.', 'Two.']],
    ['UTF-16 with its mark', Buffer.from('\ufeffOne. Zwölf.', 'utf16le'), ['One.', 'Zwölf.']],
    ['CRLF', Buffer.from('One\r\n\r\nTwo\r\n'), ['One', 'Two']],
    ['one word', Buffer.from('word'), ['word']],
    ['Hebrew', Buffer.from('שלום עולם. מה שלומך?'), ['שלום עולם.', 'מה שלומך?']],
    ['Chinese', Buffer.from('他走了！真的吗？'), ['他走了！', '真的吗？']],
    ['a NUL far inside', Buffer.from(`${'x'.repeat(100)}\0y`), [`${'x'.repeat(100)} y`]],
  ])('%s is read', async (_, content, expected) => {
    put('a.txt', content)
    await make()
    expect(texts()).toEqual(expected)
  })
  test('data make reads texts packed as .gz', async () => {
    put('a.txt.gz', gzipSync('One. Two.'))
    put('b.jsonl.gz', gzipSync('{"text":"Three."}\n'))
    await make()
    expect(rows().map(({ article_id: id, title, text }) => [id, title, text])).toEqual([
      ['a.txt.gz', 'a', 'One.'],
      ['a.txt.gz', 'a', 'Two.'],
      ['b.jsonl.gz:1', undefined, 'Three.'],
    ])
  })
  test('Markdown keeps the words of its text and drops code, tables, images and HTML', async () => {
    put(
      'a.md',
      '---\ntitle: My notes\ntags: [one, two]\n---\n# Heading *one*\n\nA [link](http://x.y) &amp; `code`,\nin two lines.[^1] ![image](a.png)\n\n```js\nlet x = 1\n```\n\n- item\n  - inner\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<p align="center">html</p>\n\n> Quoted.\n',
    )
    await make({ category: 'tags' })
    expect(texts()).toEqual(['Heading one', 'A link & code, in two lines.', 'item', 'inner', 'Quoted.'])
    expect(rows()[0]).toMatchObject({ title: 'My notes', categories: ['one', 'two'] })
    expect(rows()[1]).not.toHaveProperty('categories')
  })
  test('consecutive records of an article are one article', async () => {
    const lines = [
      { id: 7, body: 'One. Two.', title: 'T', kind: 'k' },
      { id: 7, body: 'Three.' },
      { id: 8, body: 'Four.' },
    ]
    put('a.jsonl', `${lines.map((line) => JSON.stringify(line)).join('\r\n')}\r\n\r\n`)
    await make({ text: 'body', article: 'id', category: 'kind' })
    expect(rows().map(({ article_id: id, index }) => [id, index])).toEqual([
      ['7', 0],
      ['7', 1],
      ['7', 2],
      ['8', 0],
    ])
    expect(rows()[0]).toMatchObject({ title: 'T', categories: ['k'] })
  })
  test('equal names in two folders are two articles, and linked folders are left out', async () => {
    for (const name of ['a', 'b']) {
      mkdirSync(at('texts', name))
      put(`${name}/same.txt`, `In ${name}.`)
    }
    symlinkSync('..', at('texts', 'loop'))
    await make()
    expect(new Set(rows().map(({ article_id: id }) => id))).toEqual(new Set(['a/same.txt', 'b/same.txt']))
  })
  test('empty texts and other files are left out and counted', async () => {
    put('a.txt', 'One.')
    put('empty.txt', ' \n\n')
    put('b.html', 'x')
    const events: MakeEvent[] = []
    expect(await make({}, doubleEncoder(), { progress: (event) => events.push(event) })).toMatchObject({ rows: 1, empty: 1 })
    const warned = events.flatMap((event) => (event.type === 'warning' ? [event.message] : [])).join('\n')
    expect(warned).toMatch(/1 file left out.*\.html 1/)
    expect(warned).toMatch(/empty\.txt/)
  })
  test('rows keep to the limits of characters and of tokens', async () => {
    put('a.txt', `${'a b c d e f g '.repeat(200)}.`)
    await make({ maxChars: 200 })
    for (const text of texts()) {
      expect(text.length).toBeLessThanOrEqual(200)
      expect(text.split(' ').length).toBeLessThanOrEqual(62)
    }
  })
  test('a base opens with its articles, space and encoder', async () => {
    put('a.txt', 'One. Two.')
    put('b.txt', 'Three.')
    await make()
    const base = await openBase(at('out.npy'), { faulty: true })
    expect(base).toMatchObject({ rows: 3, dim: 16, dtype: 'float16', space: 'double · hash' })
    expect(base.articles?.ids).toEqual(['a.txt', 'b.txt'])
    base.dispose()
  })
  test('the language is detected for each article, or as given', async () => {
    put('a.txt', 'Der Hund läuft über die Straße und bellt laut.')
    put('b.txt', 'The dog runs over the road and barks loudly.')
    expect((await make()).languages).toEqual({ de: 1, en: 1 })
    expect((await make({ language: 'fr', force: true })).languages).toEqual({ fr: 2 })
  })
})

describe('what to type next', () => {
  const made = async (files: number, sentences: number) => {
    for (let file = 0; file < files; file++)
      put(`${file}.txt`, Array.from({ length: sentences }, (_, i) => `Line ${i} of ${file}.`).join('\n\n'))
    return make({ force: true })
  }
  test('is ceiling where the articles have windows to train on', async () => {
    const found = await made(8, 9)
    expect(found).toMatchObject({ context: 5, longest_article: 9 })
    expect(makeNext(found)).toMatch(/^next: .*ceiling --data \S*out\.npy$/)
  })
  test('is ceiling with a shorter context where articles are too short for the usual one', async () => {
    const found = await made(30, 3)
    expect(found).toMatchObject({ context: 2, longest_article: 3 })
    expect(makeNext(found)).toMatch(/the longest article has 3 sentences.*\nnext: .*ceiling .* --context 2$/)
  })
  test.each([
    ['one article', 1, 100],
    ['articles of one sentence', 50, 1],
    ['too few windows', 3, 3],
  ])('is to add texts where no context leaves enough windows: %s', async (_, files, sentences) => {
    const found = await made(files, sentences)
    expect(found).toMatchObject({ context: 0, longest_article: sentences })
    expect(makeNext(found)).toMatch(/^few .*\nnext: add longer texts.*--force$/)
  })
})

describe('wrong inputs', () => {
  test.each([
    [
      'bytes that are not UTF-8',
      'a.txt',
      Buffer.from([0x4f, 0x6b, 0x0a, 0x41, 0xef, 0xbf, 0x28]),
      /a\.txt: byte 4, in line 2, is not UTF-8/,
    ],
    ['UTF-16 without a mark', 'a.txt', Buffer.from('One.', 'utf16le'), /a\.txt: expected UTF-8/],
    ['a damaged archive', 'a.txt.gz', Buffer.from('no gzip'), /a\.txt\.gz: it cannot be unpacked/],
    [
      'bytes in a record',
      'a.jsonl',
      Buffer.concat([Buffer.from('{"text":"a"}\n{"text":"'), Buffer.from([0xff]), Buffer.from('"}\n')]),
      /a\.jsonl: byte 22, in line 2/,
    ],
    ['a record that is no JSON', 'a.jsonl', Buffer.from('{"text":"a"}\n{"text":\n'), /a\.jsonl: line 2/],
    ['a record that is a list', 'a.jsonl', Buffer.from('[1]\n'), /line 1: expected an object/],
    [
      'a record without the key',
      'a.jsonl',
      Buffer.from('{"body":"x"}\n'),
      /line 1: expected a text for "text".*its keys are body/,
    ],
  ])('%s are refused with their place', async (_, name, content, message) => {
    put(name, content)
    await expect(make()).rejects.toMatchObject({ code: 'DATA_FORMAT', message: expect.stringMatching(message) })
    expect(existsSync(at('out.npy'))).toBe(false)
  })
  test('an encoding can be named, and a wrong one is refused', async () => {
    put('a.txt', Buffer.from([0x5a, 0x77, 0xf6, 0x6c, 0x66]))
    await make({ encoding: 'latin1' })
    expect(texts()).toEqual(['Zwölf'])
    expect(() => resolve('data make', makeFields, { encoding: 'utf-9' })).toThrow(/name of an encoding/)
    expect(() => resolve('data make', makeFields, { language: 'no such' })).toThrow(/language tag/)
  })
  test('pipes and links to nothing are left out by name, and a name that is not UTF-8 is refused', async () => {
    put('a.txt', 'One.')
    execFileSync('mkfifo', [at('texts', 'pipe.txt')])
    symlinkSync('nothing.txt', at('texts', 'broken.md'))
    put('two\nlines.txt', 'Two.')
    const events: MakeEvent[] = []
    await make({}, doubleEncoder(), { progress: (event) => events.push(event) })
    expect(rows().map(({ article_id: id }) => id)).toEqual(['a.txt', 'two\nlines.txt'])
    expect(events).toContainEqual(
      expect.objectContaining({ message: expect.stringMatching(/2 files left out \((?=.*link to nothing 1).*pipe or device 1/) }),
    )
    writeFileSync(Buffer.concat([Buffer.from(`${at('texts')}/z`), Buffer.from([0xff]), Buffer.from('.txt')]), 'Three.')
    const refused = { code: 'FILE_ACCESS', message: expect.stringMatching(/z\ufffd\.txt: its name is not UTF-8/) }
    await expect(make({ force: true })).rejects.toMatchObject(refused)
  })
  test('a file that changes or vanishes between the two passes is named', async () => {
    for (const name of ['a.txt', 'b.txt']) put(name, `${'A sentence is here. '.repeat(150)}Of ${name}.`)
    const atStart = (act: () => void) => ({ progress: (event: MakeEvent) => event.type === 'start' && act() })
    const changed = make(
      {},
      doubleEncoder(),
      atStart(() => put('b.txt', 'Changed.')),
    )
    await expect(changed).rejects.toMatchObject({ code: 'DATA_CHANGED', message: expect.stringMatching(/b\.txt/) })
    const vanished = make(
      { force: true },
      doubleEncoder(),
      atStart(() => rmSync(at('texts', 'b.txt'))),
    )
    await expect(vanished).rejects.toMatchObject({ message: expect.stringMatching(/b\.txt/) })
  })
  test('an article that occurs again later is refused with its line', async () => {
    put('a.jsonl', ['a', 'b', 'a'].map((id) => JSON.stringify({ article_id: id, text: 'One.' })).join('\n'))
    await expect(make()).rejects.toMatchObject({ code: 'DATA_DUPLICATE_KEY', message: expect.stringMatching(/a\.jsonl, line 3/) })
  })
  test('a folder without texts, a missing folder and another type of file are refused', async () => {
    put('a.html', 'x')
    await expect(make()).rejects.toMatchObject({ code: 'DATA_TOO_FEW', message: expect.stringMatching(/\.html 1/) })
    await expect(make({ texts: at('none') })).rejects.toMatchObject({ code: 'FILE_MISSING' })
    await expect(make({ texts: at('texts', 'a.html') })).rejects.toMatchObject({ code: 'BAD_OPTION' })
  })
  test('an existing base is only replaced with force', async () => {
    put('a.txt', 'One.')
    await make()
    await expect(make()).rejects.toMatchObject({ code: 'BAD_OPTION', message: expect.stringMatching(/out\.npy exists/) })
    writeFileSync(at('out.jsonl.gz'), 'stale')
    put('a.txt', 'Two.')
    await make({ force: true })
    expect(texts()).toEqual(['Two.'])
    expect(readdirSync(at()).sort()).toEqual(['out.card.json', 'out.jsonl', 'out.npy', 'texts'])
  })
  test('a folder is no name of a base', async () => {
    await expect(make({ out: at() })).rejects.toMatchObject({ code: 'BAD_OPTION' })
  })
})
