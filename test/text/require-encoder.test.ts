import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openBase } from '../../lib/data/open.js'
import { encode } from '../../lib/text/encode/encode.js'
import { requireEncoder } from '../../lib/text/space/require-encoder.js'
import { prepare } from '../../lib/train/prepare.js'
import { plan } from '../../lib/train/recipe.js'
import { refused } from '../files/fixture.js'
import { writeTinyEncoder } from './tiny-encoder.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-require-'))
const at = (name: string) => join(folder, name)
beforeAll(async () => {
  const texts = Array.from({ length: 120 }, (_, i) => `text ${i * 7}`)
  writeFileSync(at('texts.txt'), texts.join('\n'))
  writeTinyEncoder(at('small'))
  writeTinyEncoder(at('other'), { seed: 3 })
  await encode({ encoder: at('small'), input: at('texts.txt'), out: at('base.npy') })
  writeFileSync(
    at('base.jsonl'),
    texts.map((text, i) => `${JSON.stringify({ article_id: Math.floor(i / 20), index: i % 20, text })}\n`).join(''),
  )
})
afterAll(() => rmSync(folder, { recursive: true }))

const bare = () => rmSync(at('base.card.json'), { force: true })

it('train refuses the vectors of another encoder before it begins, and takes the space of the right one', async () => {
  const settings = (encoder: string) => plan('lstm', { data: at('base.npy'), encoder: at(encoder), preset: 'tiny' }).train
  expect(await refused('SPACE_MISMATCH', prepare(settings('other')))).toMatch(/"small .*" and the encoder of "other /)
  bare()
  const prepared = await prepare(settings('small'))
  expect(prepared.train.base).toMatchObject({
    space: 'small · mean pooling · L2',
    encoder: { name: 'small', precision: 'float32' },
  })
  prepared.dispose()
})

it('a run of another encoder refuses one whose vectors fit the base', async () => {
  const base = await openBase(at('base.npy'))
  expect(await requireEncoder(base, undefined)).toBe(base)
  const named = await requireEncoder(base, at('small'))
  const reader = { path: 'my-run', space: named.space, encoder: named.encoder }
  expect(await requireEncoder(base, at('small'), reader)).toEqual(named)
  const foreign = { ...reader, encoder: { name: 'other', hash: 'f'.repeat(64) } }
  expect(await refused('SPACE_MISMATCH', requireEncoder(base, at('small'), foreign))).toMatch(
    /my-run: expected the encoder other \(ffffffffffff\), which made its vectors of the space "small .*", but .*"small /,
  )
  base.dispose()
})
