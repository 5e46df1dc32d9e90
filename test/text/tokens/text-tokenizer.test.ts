import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openTokenizer } from '../../../lib/text/tokens/text-tokenizer.js'
import { FIXTURES } from '../encoders/expect-encoder.js'

const work = mkdtempSync(join(tmpdir(), 'lvm-tokens-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

test('a capital sigma at the end of a word becomes σ, as in the tokenizers that encoders were trained with', async () => {
  cpSync(join(FIXTURES, 'tiny-bert'), work, { recursive: true })
  const path = join(work, 'tokenizer.json')
  const json = JSON.parse(readFileSync(path, 'utf8'))
  Object.assign(json.model.vocab, { ο: 200, '##σ': 201, '##ς': 202 })
  writeFileSync(path, JSON.stringify(json))
  const tokenizer = await openTokenizer(work, { lowerCase: false })
  expect(tokenizer.ids('ΟΣ').slice(1, -1)).toEqual([200, 201])
  expect(tokenizer.ids('ος').slice(1, -1)).toEqual([200, 202])
})

test('a long text keeps its first words and all special tokens', async () => {
  const bert = await openTokenizer(join(FIXTURES, 'tiny-bert'), { lowerCase: false })
  const all = bert.ids('the cat and the dog')
  expect(bert.ids('the cat and the dog', 4)).toEqual([...all.slice(0, 3), all.at(-1)])
  const t5 = await openTokenizer(join(FIXTURES, 'tiny-t5'), { lowerCase: false })
  expect(t5.ids('the cat and the dog', 3)).toEqual([...t5.ids('the cat and the dog').slice(0, 2), 1])
  expect(bert.promptTokens('query: ')).toBe(bert.ids('query: ').length - 1)
})

const bert = () => openTokenizer(join(FIXTURES, 'tiny-bert'), { lowerCase: false })
const mpnet = () => openTokenizer(join(FIXTURES, 'tiny-mpnet'), { lowerCase: false })

test('special tokens in a text are those tokens, as in the Rust library', async () => {
  const tokenizer = await mpnet()
  expect(tokenizer.ids('<pad>')).toEqual([0, 1, 2])
  expect(tokenizer.ids('the </s> cat').filter((id) => id === 2)).toHaveLength(2)
  expect(tokenizer.ids('the</s>cat')).toEqual(tokenizer.ids('the </s> cat'))
})

test('a word that only becomes a special token in lower case is no special token, alone or beside one', async () => {
  const tokenizer = await mpnet()
  const bare = (text: string) => tokenizer.ids(text).slice(1, -1)
  expect(bare('<PAD>')).not.toContain(1)
  expect(bare('<PAD>')).toEqual(bare('< pad >'))
  expect(bare('<pad><PAD><pad>')).toEqual([1, ...bare('< pad >'), 1])
})

test('half of a surrogate pair has the ids of the replacement character', async () => {
  for (const tokenizer of [await bert(), await mpnet()])
    for (const half of ['\ud800', '\udc00']) expect(tokenizer.ids(`the ${half} cat`)).toEqual(tokenizer.ids('the \ufffd cat'))
})

test('a zero-width joiner alone is dropped by BERT, and an emoji joined by it is one unknown word', async () => {
  const tokenizer = await bert()
  expect(tokenizer.ids('\u200d')).toEqual(tokenizer.ids(''))
  expect(tokenizer.ids('the \u200d cat')).toEqual(tokenizer.ids('the cat'))
  expect(tokenizer.ids('\u{1f468}\u200d\u{1f469}')).toHaveLength(3)
})

test('each Chinese character is a word of its own, also beyond 16 bits', async () => {
  const tokenizer = await bert()
  expect(tokenizer.ids('a\u{20004}\u{2a701}b')).toEqual(tokenizer.ids('a \u{20004} \u{2a701} b'))
  expect(tokenizer.ids('a\u4e2d\u6587b')).toEqual(tokenizer.ids('a \u4e2d \u6587 b'))
})

test('U+0085 separates words in T5, as white space does in Rust', async () => {
  const path = join(work, 't5')
  cpSync(join(FIXTURES, 'tiny-t5'), path, { recursive: true })
  const json = JSON.parse(readFileSync(join(path, 'tokenizer.json'), 'utf8'))
  json.pre_tokenizer = { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, json.pre_tokenizer] }
  writeFileSync(join(path, 'tokenizer.json'), JSON.stringify(json))
  const tokenizer = await openTokenizer(path, { lowerCase: false })
  expect(tokenizer.ids('the\u0085cat')).toEqual(tokenizer.ids('the cat'))
})
