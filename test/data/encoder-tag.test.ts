import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { encoderTag } from '../../lib/data/encoder-tag.js'
import { readCard } from '../../lib/data/locate.js'
import { requireSameSpace } from '../../lib/data/space.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-tag-'))
afterAll(() => rmSync(folder, { recursive: true }))

const card = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const refused = async (code: string, work: Promise<unknown>): Promise<string> => {
  const error = (await work.catch((error) => error)) as { code?: string; message: string }
  expect(error.code).toBe(code)
  return error.message
}

test('readCard accepts an encoder as its name or with its hash, and refuses one without a name', async () => {
  const named = await readCard(card('e.card.json', '{"encoder":"mpnet"}'))
  expect(named).toEqual({ encoder: 'mpnet' })
  expect(encoderTag(named.encoder)).toEqual({ name: 'mpnet' })
  const whole = card('f.card.json', '{"encoder":{"name":"mpnet","hash":"ab","batch":4,"prompt":null}}')
  expect(encoderTag((await readCard(whole)).encoder)).toEqual({ name: 'mpnet', hash: 'ab' })
  expect(await refused('DATA_FORMAT', readCard(card('g.card.json', '{"encoder":{"hash":"ab"}}')))).toMatch(/"encoder.name"/)
  expect(await refused('DATA_FORMAT', readCard(card('h.card.json', '{"encoder":{"name":"a","hash":3}}')))).toMatch(
    /"encoder.hash"/,
  )
  expect(await refused('DATA_FORMAT', readCard(card('i.card.json', '{"encoder":3}')))).toMatch(/a text for "encoder"/)
})
test('requireSameSpace refuses two encoders of one space name whose hashes differ', () => {
  const of = (path: string, hash?: string) => ({ path, space: 'gtr', encoder: { name: 'gtr', ...(hash && { hash }) } })
  requireSameSpace(of('a', '1'), of('b', '1'))
  requireSameSpace(of('a', '1'), of('b'))
  requireSameSpace(of('a', '1'), { path: 'b', space: 'gtr' })
  expect(() => requireSameSpace(of('a', '1'), of('b', '2'))).toThrow(expect.objectContaining({ code: 'SPACE_MISMATCH' }))
})
