import { existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { doubleEncoder } from './double-encoder.js'
import { makeFolder } from './make-folder.js'

const { at, put, make, bytes, remove } = makeFolder()

describe('a stop', () => {
  /** Stops after some blocks. */
  async function stopAfter(blocks: number, encoder = doubleEncoder()): Promise<number> {
    const stop = new AbortController()
    let encodes = 0
    const counting = {
      ...encoder,
      encode: async (...given: Parameters<typeof encoder.encode>) => {
        if (encodes++ === blocks) stop.abort()
        return encoder.encode(...given)
      },
    }
    await expect(make({}, counting, { signal: stop.signal })).rejects.toMatchObject({ code: 'INTERRUPTED' })
    return encoder.encoded.length
  }
  beforeEach(() => {
    for (let i = 0; i < 30; i++)
      put(`${i}.txt`, Array.from({ length: 50 }, (_, j) => `Sentence ${j} of file ${i} is here.`).join(' '))
  })

  test('is continued to the same bytes, and no stored row is encoded again', async () => {
    await make()
    const whole = bytes()
    remove()
    const before = await stopAfter(3)
    expect(before).toBe(768)
    const encoder = doubleEncoder()
    expect(await make({}, encoder)).toMatchObject({ resumed_rows: 768 })
    expect(encoder.encoded).toHaveLength(1500 - 768)
    expect(bytes()).toEqual(whole)
    expect(existsSync(at('out.making'))).toBe(false)
  })
  test.each(['vectors.npy', 'rows.jsonl', 'journal.jsonl'])(
    'with a torn end of %s is continued to the same bytes',
    async (name) => {
      await make()
      const whole = bytes()
      remove()
      await stopAfter(3)
      const part = at('out.making', name)
      writeFileSync(part, Buffer.concat([readFileSync(part), Buffer.from('torn')]))
      await make()
      expect(bytes()).toEqual(whole)
      remove()
      await stopAfter(3)
      truncateSync(part, readFileSync(part).length - 3)
      await make()
      expect(bytes()).toEqual(whole)
    },
  )
  test('refuses another encoder, option or text, and begins again with force', async () => {
    await stopAfter(2)
    await expect(make({}, doubleEncoder(16, 'b'.repeat(64)))).rejects.toMatchObject({ code: 'SPACE_MISMATCH' })
    await expect(make({ maxChars: 100 })).rejects.toMatchObject({ code: 'BAD_OPTION', message: expect.stringMatching(/220/) })
    put('7.txt', 'Changed.')
    await expect(make()).rejects.toMatchObject({ code: 'DATA_CHANGED', message: expect.stringMatching(/7\.txt/) })
    put('7.txt', '')
    rmSync(at('texts', '7.txt'))
    await expect(make()).rejects.toMatchObject({ code: 'DATA_CHANGED', message: expect.stringMatching(/7\.txt/) })
    expect(await make({ force: true })).toMatchObject({ resumed_rows: 0, rows: 1450 })
  })
  test('between the renames of a publication is finished by the next call', async () => {
    await make()
    const whole = bytes()
    const making = at('out.making')
    mkdirSync(making)
    writeFileSync(join(making, 'card.json'), whole[2]!)
    writeFileSync(join(making, 'vectors.npy'), whole[0]!)
    rmSync(at('out.npy'))
    rmSync(at('out.card.json'))
    expect(await make()).toMatchObject({ rows: 1500 })
    expect(bytes()).toEqual(whole)
  })
})
