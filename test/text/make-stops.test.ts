import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
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
})

describe('a kill during the publication', () => {
  const making = (...names: string[]) => at('out.making', ...names)
  let whole: Buffer[] = []
  /** Leaves the files as after a kill behind a step: the card is written, lines, vectors and card are published. */
  function killedAfter(step: number): void {
    cpSync(at('complete'), making(), { recursive: true })
    if (step > 0) writeFileSync(making('card.json'), whole[2]!)
    for (const [i, [part, name]] of [
      ['rows.jsonl', 'out.jsonl'],
      ['vectors.npy', 'out.npy'],
    ].entries())
      if (step > i + 1) renameSync(making(part!), at(name!))
    if (step > 3) writeFileSync(at('out.card.json'), whole[2]!)
  }
  const left = () => readdirSync(at()).filter((name) => /making/.test(name))
  beforeEach(async () => {
    for (let i = 0; i < 10; i++) put(`${i}.txt`, `Sentence one of ${i}. Sentence two of ${i}.`)
    const keep = () => cpSync(making(), at('complete'), { recursive: true, filter: (name) => !/lock/.test(name) })
    await make({}, doubleEncoder(), { progress: (e) => e.type === 'progress' && e.rows === e.rows_total && keep() })
    whole = bytes()
    remove()
  })

  test.each([0, 1, 2, 3, 4])('is finished by the next call without encoding anything: after step %i', async (step) => {
    for (const force of [false, true]) {
      killedAfter(step)
      const encoder = doubleEncoder()
      expect(await make({ force }, encoder)).toMatchObject({ rows: 20, resumed_rows: 20 })
      expect(encoder.encoded).toEqual([])
      expect(bytes()).toEqual(whole)
      expect(left()).toEqual([])
      remove()
    }
  })
  test('keeps the finished base when the next call has other texts or another encoder, and force replaces it', async () => {
    const other = doubleEncoder(16, 'b'.repeat(64))
    killedAfter(2)
    await expect(make({}, other)).rejects.toMatchObject({ code: 'BAD_OPTION', message: expect.stringMatching(/exists/) })
    expect(bytes()).toEqual(whole)
    expect(left()).toEqual([])
    cpSync(at('complete'), making(), { recursive: true })
    for (const part of ['rows.jsonl', 'vectors.npy']) rmSync(making(part))
    writeFileSync(making('card.json'), whole[2]!)
    put('3.txt', 'Changed.')
    await expect(make()).rejects.toMatchObject({ code: 'BAD_OPTION', message: expect.stringMatching(/exists/) })
    expect(bytes()).toEqual(whole)
    expect(await make({ force: true })).toMatchObject({ rows: 19, resumed_rows: 0 })
    expect(left()).toEqual([])
  })
  test('leaves a folder that the next call removes', async () => {
    killedAfter(4)
    renameSync(making(), at('out.done.making'))
    await expect(make()).rejects.toMatchObject({ code: 'BAD_OPTION', message: expect.stringMatching(/exists/) })
    expect(bytes()).toEqual(whole)
    expect(left()).toEqual([])
  })
})
