import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { load } from '../../lib/checkpoint/load-model.js'
import { openBase } from '../../lib/data/open.js'
import { predict } from '../../lib/evaluate/predict.js'
import { rollout } from '../../lib/evaluate/rollout.js'
import { train } from '../../lib/train/train.js'

const SAMPLE = 'data/sample/factbook'
const out = mkdtempSync(join(tmpdir(), 'lvm-torch-rollout-'))
const run = join(out, 'run')
const code = (expected: string) => expect.objectContaining({ name: 'LvmError', code: expected })

beforeAll(async () => {
  for await (const _ of train({
    model: 'gru',
    data: SAMPLE,
    preset: 'tiny',
    epochs: 1,
    maxSteps: 5,
    name: 'run',
    out,
    residual: 'decay',
  })) {
  }
})
afterAll(() => rmSync(out, { recursive: true, force: true }))

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, x, i) => sum + x * b[i]!, 0)

describe.each(['stream', 'window'] as const)('a rollout with memory %s', (memory) => {
  test('rollout equals predictions that are fed back by hand', async () => {
    const { steps, windows } = await rollout({ run, steps: 3, memory, rows: 'all' })
    using model = await load(run)
    const base = await openBase(SAMPLE)
    using wide = await base.vectors.to({ dtype: 'float32' })
    const data = (await wide.data()) as Float32Array
    const row = (i: number) => data.subarray(i * 768, (i + 1) * 768)
    const of = base.articles!.of
    const firsts = Array.from({ length: base.rows - 7 }, (_, i) => i).filter((i) => of[i] === of[i + 7])
    expect(windows).toBe(firsts.length)
    const seen = firsts.map((i) => Array.from({ length: 5 }, (_, t) => row(i + t)))
    for (const { step, cosine, cosine_copy_last, cosine_previous } of steps) {
      const context = memory === 'stream' ? 4 + step : 5
      const x = Float32Array.from(seen.flatMap((rows) => rows.slice(-context).flatMap((v) => [...v])))
      const y = await model.predict(x, { context })
      const sums = { cosine: 0, copy: 0, previous: 0 }
      for (const [i, first] of firsts.entries()) {
        const next = y.subarray(i * 768, (i + 1) * 768)
        sums.cosine += dot(next, row(first + 4 + step))
        sums.copy += dot(row(first + 4), row(first + 4 + step))
        sums.previous += dot(next, seen[i]!.at(-1)!)
        seen[i]!.push(next)
      }
      expect(sums.cosine / firsts.length).toBeCloseTo(cosine, 3) // the sample is float16: the norms of its rows are within 1e-3 of 1
      expect(sums.copy / firsts.length).toBeCloseTo(cosine_copy_last, 3)
      expect(sums.previous / firsts.length).toBeCloseTo(cosine_previous, 3)
    }
    base.dispose()
  })
})

test('the first step of a rollout equals evaluate and predict', async () => {
  const [stream, window] = [
    await rollout({ run, steps: 1, memory: 'stream' }),
    await rollout({ run, steps: 1, memory: 'window' }),
  ]
  expect(stream.steps[0]!.cosine).toBeCloseTo(window.steps[0]!.cosine, 5)
  using model = await load(run)
  expect(stream.windows).toBe(model.manifest.split!.val)
})
test('predict with --stream reads each article from its beginning', async () => {
  const made = await predict({ run, out: join(out, 'stream.npy'), stream: true })
  const { rows, context } = JSON.parse(readFileSync(made.index, 'utf8')) as { rows: number[]; context: number | null }
  expect(context).toBeNull()
  const bytes = readFileSync(made.out)
  const data = new Float32Array(bytes.buffer, bytes.byteOffset + bytes.length - 4 * 768 * rows.length, 768 * rows.length)
  using model = await load(run)
  const base = await openBase(SAMPLE)
  using wide = await base.vectors.to({ dtype: 'float32' })
  const vectors = (await wide.data()) as Float32Array
  for (const i of [0, 1, 17, rows.length - 1]) {
    const target = rows[i]!
    let first = target
    while (first > 0 && base.articles!.of[first - 1] === base.articles!.of[target]) first--
    const want = await model.predict(vectors.slice(first * 768, target * 768), { context: target - first })
    expect(dot(want, data.subarray(i * 768, (i + 1) * 768))).toBeCloseTo(1, 5)
  }
  base.dispose()
})
test('rollout from vectors in memory gives the figures of the same rows in a file', async () => {
  const base = await openBase(SAMPLE)
  const { vectors, articles, positions, space } = base
  const ids = Array.from(articles!.of, (article) => articles!.ids[article]!)
  const data = { vectors, articles: ids, ...(positions && { positions }), space: space! }
  const { run: name, ...own } = await rollout({ run, data, steps: 2, rows: 'all' })
  expect((await rollout({ run, steps: 2, rows: 'all' })) as object).toMatchObject(own)
  expect(name).toBe(run)
  base.dispose()
})
test('rollout refuses more steps than any article has', async () => {
  await expect(rollout({ run, steps: 900 })).rejects.toThrow(code('DATA_TOO_FEW'))
  await expect(rollout({ run, steps: 0 })).rejects.toThrow(code('BAD_OPTION'))
})
