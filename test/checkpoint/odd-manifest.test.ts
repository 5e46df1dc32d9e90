import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { LvmError } from '../../lib/errors.js'
import { listRuns, load, showRun } from '../../lib/index.js'
import { native } from '../../lib/native.js'
import { place, TINY, trained, vectorFile } from '../train/runs.js'
import { forged } from './trained.js'

const run = join(TINY.out, 'sealed')
beforeAll(async () => {
  await trained({ ...TINY, model: 'lstm', data: await vectorFile('sealed', { articles: 5 }), name: 'sealed', epochs: 1 })
})

const deep = (levels: number): unknown => {
  let value: unknown = []
  for (let i = 0; i < levels; i++) value = [value]
  return value
}
const ODD: readonly unknown[] = [null, 5, -1.5, 'x', true, [], {}, [null], { toString: 1, valueOf: 1 }, deep(150)]
const coded = (error: unknown) => {
  expect(error, String((error as Error)?.stack)).toBeInstanceOf(LvmError)
  expect((error as LvmError).code, (error as LvmError).message).not.toBe('INTERNAL')
}
/** Results of every reader of a run: an answer, or an error with a code. */
async function look(root: string, folder: string): Promise<void> {
  await load(folder).then((model) => native.dispose(model.native), coded)
  await showRun(folder).then((shown) => expect(shown.path).toBe(folder), coded)
  const [row] = await listRuns(root)
  expect(row).toMatchObject({ path: folder })
}

describe('a sealed run with wrong values', () => {
  it('wrong values in a sealed manifest give errors with codes', async () => {
    const { manifest } = await showRun(run)
    const paths = Object.entries({ ...manifest, golden: {}, spec: {} }).flatMap(([key, value]) => [
      [key],
      ...(typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.keys(value).map((inner) => [key, inner])
        : []),
    ])
    let made = 0
    for (const [i, [key, inner]] of paths.entries()) {
      if (['generation', 'version', 'saved_at', 'digest'].includes(key!)) continue
      for (const odd of [ODD[i % ODD.length], ODD[(i + 3) % ODD.length]]) {
        const root = place(`odd-${made++}`)
        const to = await forged(run, join(root, 'run'), {
          manifest: (fields) => {
            const record = fields as unknown as Record<string, Record<string, unknown>>
            if (inner === undefined) (record as Record<string, unknown>)[key!] = odd
            else record[key!]![inner] = odd
          },
        })
        await look(root, to)
      }
    }
    expect(made).toBeGreaterThan(60)
  }, 120_000)

  it.each<[string, string]>([
    ['invalid JSON', '{'],
    ['a list', '[]'],
    ['deep nesting', `{"history":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['an object as history', '{"history":{"find":1}}'],
    ['rows that are not objects', '{"history":[null,5]}'],
    ['objects in place of numbers', '{"history":[{"epoch":1,"val_loss":{"toFixed":1}}],"best_epoch":1}'],
    ['a list as best epoch', '{"history":[],"best_epoch":[]}'],
  ])('wrong values in a sealed history give errors with codes: %s', async (name, text) => {
    const root = place(`history-${name}`)
    const to = await forged(run, join(root, 'run'), { files: { 'training_history.json': (path) => writeFile(path, text) } })
    await look(root, to)
    expect((await listRuns(root))[0]).toMatchObject({ state: 'damaged', problem: { code: 'BAD_CHECKPOINT' } })
  })
})
