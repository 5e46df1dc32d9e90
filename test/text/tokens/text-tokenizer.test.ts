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
