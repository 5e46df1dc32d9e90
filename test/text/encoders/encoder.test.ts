import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Encoder } from '../../../lib/index.js'
import { FIXTURES } from './expect-encoder.js'

const work = mkdtempSync(join(tmpdir(), 'lvm-encoders-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))
const BERT = join(FIXTURES, 'tiny-bert')

/** A tiny BERT with named prompts. */
function prompted(name: string, pooling = {}): string {
  const folder = join(work, name)
  cpSync(BERT, folder, { recursive: true })
  const prompts = { query: 'query: ', passage: 'passage: ' }
  writeFileSync(join(folder, 'config_sentence_transformers.json'), JSON.stringify({ prompts, default_prompt_name: 'passage' }))
  writeFileSync(join(folder, '1_Pooling/config.json'), JSON.stringify({ pooling_mode: 'mean', ...pooling }))
  return folder
}

test('an encoder says its space, dimension, longest text, parameters and hash', async () => {
  using encoder = await Encoder.open(join(FIXTURES, 'tiny-mpnet'))
  expect(encoder).toMatchObject({ dim: 7, maxTokens: 160, parameters: 7604, precision: 'float32', prompt: '' })
  expect(encoder.space).toBe('tiny-mpnet · cls + max + mean pooling · dense 7 tanh · L2')
  expect(encoder.hash).toMatch(/^[0-9a-f]{64}$/)
  expect([...encoder.tokenCounts(['a', 'the cat '.repeat(200)])]).toEqual([3, 402])
})

test('the hash depends on the files of the encoder and not on the path of its folder', async () => {
  using given = await Encoder.open(BERT)
  cpSync(BERT, join(work, 'moved'), { recursive: true })
  using moved = await Encoder.open(join(work, 'moved'))
  expect(moved.hash).toBe(given.hash)
  writeFileSync(join(work, 'moved/tokenizer_config.json'), '{"model_max_length": 511}')
  using changed = await Encoder.open(join(work, 'moved'))
  expect(changed.hash).not.toBe(given.hash)
})

test('a prompt is given by name or as text, and is part of the space', async () => {
  const folder = prompted('prompted')
  using byDefault = await Encoder.open(folder)
  using byName = await Encoder.open(folder, { prompt: 'query' })
  using without = await Encoder.open(folder, { prompt: '' })
  expect(byDefault.space).toBe('prompted · mean pooling · L2 · prompt "passage: "')
  expect(byName.space).toBe('prompted · mean pooling · L2 · prompt "query: "')
  expect(without.space).toBe('prompted · mean pooling · L2')
  expect(await byName.encode(['the cat'])).toEqual(await without.encode(['query: the cat']))
  expect(await without.encode(['the cat'], { prompt: 'passage: ' })).toEqual(await byDefault.encode(['the cat']))
})

test('a pooling that leaves out the prompt reads only the tokens after it', async () => {
  using all = await Encoder.open(prompted('with', {}), { prompt: 'query', pooling: 'cls', normalize: 'never' })
  using rest = await Encoder.open(prompted('without', { include_prompt: false, pooling_mode: 'cls' }), {
    prompt: 'query',
    normalize: 'never',
  })
  expect(await rest.encode(['the cat'])).not.toEqual(await all.encode(['the cat']))
  using first = await Encoder.open(prompted('short', { include_prompt: false, pooling_mode: 'lasttoken' }), { prompt: 'query' })
  using last = await Encoder.open(prompted('long', { pooling_mode: 'lasttoken' }), { prompt: 'query' })
  expect(await first.encode(['the cat'])).toEqual(await last.encode(['the cat'])) // the last token is no part of the prompt
})

test('the three spaces of gtr-t5-base have their names', async () => {
  const folder = join(work, 'gtr-t5-base')
  cpSync(join(FIXTURES, 'tiny-t5'), folder, { recursive: true })
  const spaces = [{}, { dense: 'skip' }, { dense: 'skip', normalize: 'never' }] as const
  const names = []
  for (const options of spaces) {
    using encoder = await Encoder.open(folder, options)
    names.push(encoder.space)
  }
  expect(names).toEqual(['gtr-st', 'gtr-mean-l2', 'gtr-mean'])
})

test('encoding stops at its signal, and refuses anything but texts', async () => {
  using encoder = await Encoder.open(BERT, { batch: 1 })
  const stop = new AbortController()
  const running = encoder.encode(Array(500).fill('the cat'), { signal: stop.signal })
  setTimeout(() => stop.abort(), 5)
  await expect(running).rejects.toMatchObject({ code: 'INTERRUPTED' })
  await expect(encoder.encode('the cat' as never)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  await expect(encoder.encode(['a', 1] as never)).rejects.toMatchObject({ message: expect.stringMatching(/received 1 at 1/) })
  await expect(encoder.encode([], { prompt: 1 } as never)).rejects.toMatchObject({ code: 'BAD_OPTION' })
  expect(await encoder.encode([])).toHaveLength(0)
})

test('a disposed encoder and wrong options are refused', async () => {
  const encoder = await Encoder.open(BERT)
  encoder.dispose()
  await expect(encoder.encode(['a'])).rejects.toMatchObject({ code: 'DISPOSED' })
  await expect(Encoder.open(BERT, { maxTokens: 41 })).rejects.toMatchObject({ code: 'BAD_OPTION' })
  await expect(Encoder.open(BERT, { pooling: 'median' } as never)).rejects.toMatchObject({ code: 'BAD_OPTION' })
  await expect(Encoder.open(BERT, { pools: 'cls' } as never)).rejects.toMatchObject({ code: 'BAD_OPTION' })
})
