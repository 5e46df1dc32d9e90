import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { load } from '../../lib/checkpoint/load-model.js'
import type { Model } from '../../lib/checkpoint/model.js'
import { evaluate } from '../../lib/evaluate/evaluate-runs.js'
import type { Outsider } from '../../lib/evaluate/outside/outsider.js'
import { predict } from '../../lib/evaluate/predict.js'
import type { Tensor } from '../../lib/torch/tensor.js'
import { bytesOf, npy, refused } from '../files/fixture.js'
import { CONTEXT, DIM, trainOn, wander, writeCorpus } from '../study/retrieval/corpus.js'

const folder = mkdtempSync(join(tmpdir(), 'lvm-outside-refused-'))
const out = join(folder, 'reports')
const at = (name: string) => join(folder, name)
const judge = (runs: readonly (string | Outsider)[], more: object = {}) =>
  evaluate({ runs, out, latency: 0, threads: 1, ...more })
let run = ''
let model: Model
beforeAll(async () => {
  run = await trainOn(writeCorpus(folder, 'corpus', wander(1)), folder, 'run')
  await predict({ run, out: at('raw.npy'), raw: true, threads: 1 })
  await predict({ run, out: at('unit.npy'), threads: 1 })
  model = await load(run, { threads: 1 })
})
afterAll(() => {
  model.dispose()
  rmSync(folder, { recursive: true, force: true })
})
const byModel = async (contexts: Tensor) => model.predict(contexts, { raw: true })

/** Writes predictions with an index and returns the path. */
function file(name: string, index: unknown, vectors?: Float32Array): string {
  if (vectors === undefined) copyFileSync(at('raw.npy'), at(`${name}.npy`))
  else writeFileSync(at(`${name}.npy`), npy('<f4', [vectors.length / DIM, DIM], bytesOf(vectors)))
  if (index !== undefined) writeFileSync(at(`${name}.json`), typeof index === 'string' ? index : JSON.stringify(index))
  return at(`${name}.npy`)
}
const indexOf = () => JSON.parse(readFileSync(at('raw.json'), 'utf8')) as { rows: number[]; data: { hash: string } }

describe('predictors that do not fit are refused with the fix', () => {
  const index = (change: (index: ReturnType<typeof indexOf>) => unknown) => change(indexOf())
  const cases: [string, string, () => readonly (string | Outsider)[], RegExp][] = [
    ['no index', 'FILE_MISSING', () => [run, file('alone', undefined)], /expected .*alone\.json beside it/],
    ['no file', 'FILE_MISSING', () => [run, at('nothing.npy')], /nothing\.npy/],
    ['a damaged index', 'DATA_FORMAT', () => [run, file('damaged', '{')], /expected JSON/],
    ['rows that are no numbers', 'DATA_FORMAT', () => [run, file('text', { rows: ['a'] })], /"rows"/],
    [
      'too few row numbers',
      'DATA_SHAPE',
      () => [
        run,
        file(
          'short',
          index((i) => ({ rows: i.rows.slice(1) })),
        ),
      ],
      /row numbers/,
    ],
    [
      'a row twice',
      'DATA_SHAPE',
      () => [
        run,
        file(
          'twice',
          index((i) => ({ rows: [i.rows[1], ...i.rows.slice(1)] })),
        ),
      ],
      /one prediction for each row/,
    ],
    [
      'missing rows',
      'DATA_SHAPE',
      () => [
        run,
        file(
          'missing',
          index((i) => ({ rows: [0, ...i.rows.slice(1)] })),
        ),
      ],
      /1 are missing, first that of row/,
    ],
    [
      'other data',
      'DATA_SHAPE',
      () => [
        run,
        file(
          'other',
          index((i) => ({ rows: i.rows, data: { hash: 'x' } })),
        ),
      ],
      /other data/,
    ],
    [
      'a stray row',
      'DATA_SHAPE',
      () => [
        file(
          'stray',
          index((i) => ({ ...i, rows: [0, ...i.rows.slice(1)] })),
        ),
      ],
      /row 0 has fewer/,
    ],
    [
      'no context',
      'BAD_OPTION',
      () => [
        file(
          'contextless',
          index((i) => ({ ...i, context: null })),
        ),
      ],
      /"context"/,
    ],
    [
      'no data',
      'BAD_OPTION',
      () => [
        file(
          'dataless',
          index((i) => ({ rows: i.rows, context: CONTEXT })),
        ),
      ],
      /"data"/,
    ],
    ['the name of a run', 'BAD_OPTION', () => [run, { name: run, predict: byModel }], /name of its own/],
    ['a name twice', 'BAD_OPTION', () => [`a=${at('raw.npy')}`, `a=${at('unit.npy')}`], /name of its own/],
    ['a function without context', 'BAD_OPTION', () => [{ name: 'f', predict: byModel }], /"data"/],
    ['no predictor', 'BAD_OPTION', () => [{ name: 'f' } as never], /list of runs/],
    [
      'a function that throws',
      'BAD_OPTION',
      () => [
        run,
        {
          name: 'f',
          predict: () => {
            throw new Error('mine')
          },
        },
      ],
      /mine/,
    ],
    [
      'a function of the wrong shape',
      'DATA_SHAPE',
      () => [run, { name: 'f', predict: () => new Float32Array(3) }],
      /returned 3 numbers/,
    ],
    ['a function that returns nothing', 'DATA_SHAPE', () => [run, { name: 'f', predict: (() => {}) as never }], /undefined/],
    ['ragged lists', 'DATA_SHAPE', () => [run, { name: 'f', predict: () => [[1], [1, 2]] }], /no table/],
    [
      'a function with NaN',
      'DATA_NOT_FINITE',
      () => [run, { name: 'f', predict: (x) => new Float32Array(x.shape[0]! * DIM).fill(Number.NaN) }],
      /NaN/,
    ],
  ]
  it.each(cases)('an outside predictor is refused: %s, with %s', async (_, code, runs, words) => {
    expect(await refused(code as never, judge(runs()))).toMatch(words)
  })
  it('NaN and vectors of another dimension in a file', async () => {
    const { rows } = indexOf()
    const nan = file('nan', { rows }, new Float32Array(rows.length * DIM).fill(Number.NaN))
    expect(await refused('DATA_NOT_FINITE', judge([run, nan]))).toContain('nan.npy')
    const wide = at('wide.npy')
    writeFileSync(wide, npy('<f4', [rows.length, 2], bytesOf(new Float32Array(rows.length * 2))))
    writeFileSync(at('wide.json'), JSON.stringify({ rows }))
    expect(await refused('DATA_SHAPE', judge([run, wide]))).toContain('dimension')
  })
  it('a slow function is left as soon as the signal stops the call', async () => {
    const stop = new AbortController()
    const never = () => {
      stop.abort()
      return new Promise<never>(() => {})
    }
    const call = evaluate({ runs: [run, { name: 'slow', predict: never }], out, latency: 0, threads: 1 }, { signal: stop.signal })
    await refused('INTERRUPTED', call)
  })
  it('folds and a decoder are refused', async () => {
    expect(await refused('BAD_OPTION', judge([at('raw.npy')], { folds: true }))).toContain('only runs with "folds"')
    expect(await refused('BAD_OPTION', judge([at('raw.npy')], { rows: 'val' }))).toContain('rows')
  })
})
