import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { evaluate, load, type ModelName, predict, type TrainOptions } from '../../lib/index.js'
import { apart } from '../architectures/tiny.js'
import { fixture, refused } from '../files/fixture.js'
import {
  comparable,
  contentOf,
  historyOf,
  json,
  manifestOf,
  nth,
  place,
  resultOf,
  type Stop,
  TINY,
  trained,
  vectorFile,
} from './runs.js'

/** Articles of unequal length, two of them with a single target. */
const LENGTHS = [24, 6, 60, 9, 31, 12]
const SLOW = 180_000
let data: string
beforeAll(async () => {
  data = await vectorFile('unequal', { length: LENGTHS })
})
const run = (name: string) => join(TINY.out, name)
const start = (name: string, more: Partial<TrainOptions> & { model?: ModelName } = {}, stop?: Stop) =>
  trained({ ...TINY, model: 'gru', data, name, ...more } as TrainOptions, stop)
const weights = async (name: string) => [...(await contentOf(join(run(name), 'final_model.pt')))]
const judged = async (name: string, more: { space?: string } = {}) => {
  const { results } = await evaluate({ runs: [run(name)], out: place(`${name}-judged`), latency: 0, ...more })
  return results.runs[0]!
}
/** Predictions that predict writes. */
async function predictions(name: string, o: { stream?: boolean; rows?: 'all' } = {}): Promise<Float32Array> {
  const out = place(`${name}-${o.stream ? 'stream' : 'windows'}.npy`)
  const { rows, dim } = await predict({ run: run(name), out, ...o })
  const bytes = readFileSync(out)
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + bytes.length - rows * dim * 4, bytes.byteOffset + bytes.length))
}

describe('--history of no more than --min-history', () => {
  it.each(['lstm', 'linformer', 'mlp'] as const)(
    '%s with --history 5 --min-history 5 equals --context 5 to the bit',
    async (model) => {
      await start(`${model}-context`, { model, context: 5 })
      await start(`${model}-history`, { model, history: '5', minHistory: 5 })
      expect(comparable(historyOf(run(`${model}-history`)))).toEqual(comparable(historyOf(run(`${model}-context`))))
      expect(await weights(`${model}-history`)).toEqual(await weights(`${model}-context`))
      expect(await predictions(`${model}-history`)).toEqual(await predictions(`${model}-context`))
      const figures = async (name: string) => {
        const { run: _, weights_sha256, train_seconds, tiers, size, ...rest } = await judged(name)
        return { ...rest, bytes: size.weights_bytes } // the file holds the options too
      }
      expect(await figures(`${model}-history`)).toEqual(await figures(`${model}-context`))
    },
  )
})

describe('--history article', () => {
  const causal = architectures.filter((a) => a.causal && a.leak === undefined).map(({ name }) => name as ModelName)

  it.each(causal)('%s predicts the same from windows as from whole articles, one vector at a time', async (model) => {
    await start(`${model}-whole`, { model, history: 'article', objective: 'sequence', epochs: 1 })
    const windows = await predictions(`${model}-whole`, { rows: 'all' })
    expect(apart(await predictions(`${model}-whole`, { rows: 'all', stream: true }), windows)).toBeLessThan(1e-5)
    using m = await load(run(`${model}-whole`))
    expect(m.manifest).toMatchObject({ history: 'article', min_history: 5, context: 59 })
  })

  it('every history has the same training and validation targets', async () => {
    const rows = async (name: string, more: Partial<TrainOptions>) => {
      const [event] = await start(name, { epochs: 0, ...more })
      await predict({ run: run(name), out: place('targets.npy') })
      const { rows } = json<{ rows: number[] }>(place('targets.json'))
      return { windows: (event as { data: { windows: object } }).data.windows, rows }
    }
    const five = await rows('targets-5', { context: 5 })
    expect(await rows('targets-12', { history: '12' })).toEqual(five)
    expect(await rows('targets-article', { history: 'article' })).toEqual(five)
    expect(await rows('targets-sequence', { history: 'article', objective: 'sequence' })).toEqual(five)
    expect((await rows('targets-1', { history: 'article', minHistory: 1 })).windows).not.toEqual(five.windows)
  })

  it('articles longer than --batch-vectors are read in segments', async () => {
    const events = await start('segments', { history: 'article', objective: 'sequence', batchVectors: 16 })
    expect(resultOf(events)).toMatchObject({ stopped: 'done' })
    expect(historyOf(run('segments')).history.at(-1)!.val_loss).toBeLessThan(historyOf(run('segments')).history[0]!.val_loss)
  })

  it('articles of equal length, and articles with a single target, train', { timeout: SLOW }, async () => {
    for (const [name, length] of [
      ['equal', 12],
      ['single', 6],
    ] as const) {
      const file = await vectorFile(`articles-${name}`, { articles: 40, length })
      for (const objective of ['last', 'sequence'] as const) {
        const events = await start(`${name}-${objective}`, { data: file, history: 'article', objective, epochs: 1 })
        expect(events[0]).toMatchObject({ data: { windows: { train: 36 * (length - 5), val: 4 * (length - 5) } } })
        expect(manifestOf(run(`${name}-${objective}`))).toMatchObject({ context: length - 1, history: 'article' })
        expect((await judged(`${name}-${objective}`)).rows).toBe('val')
      }
    }
  })

  it.each(['last', 'sequence'] as const)(
    'a training with --objective %s that is stopped within an epoch ends as one that was not',
    { timeout: SLOW },
    async (objective) => {
      const options = {
        model: 'transformer',
        dropout: 0.3,
        history: 'article',
        objective,
        saveEvery: 1,
        batchVectors: 100,
      } as const
      await start(`${objective}-at-once`, options)
      const events = await start(`${objective}-stopped`, options, nth('progress', 1))
      expect(resultOf(events)).toMatchObject({ stopped: 'interrupted' })
      expect(manifestOf(run(`${objective}-stopped`)).progress).toMatchObject({ epoch: 1 })
      await start(`${objective}-stopped`, { ...options, resume: true })
      expect(comparable(historyOf(run(`${objective}-stopped`)))).toEqual(comparable(historyOf(run(`${objective}-at-once`))))
      expect(await weights(`${objective}-stopped`)).toEqual(await weights(`${objective}-at-once`))
    },
  )
})

describe('--history with other data', () => {
  it('stored sequences are contexts of their own length, for both objectives', { timeout: SLOW }, async () => {
    const options = { data: fixture('sequences-keys.npz'), batchSize: 4, minHistory: 2, epochs: 1 } as const
    for (const objective of ['last', 'sequence'] as const) {
      await start(`stored-${objective}`, { ...options, history: 'article', objective })
      await start(`stored-context-${objective}`, {
        ...options,
        minHistory: undefined,
        context: manifestOf(run(`stored-${objective}`)).context,
        objective,
      })
      expect(await weights(`stored-${objective}`)).toEqual(await weights(`stored-context-${objective}`))
    }
    expect(await refused('BAD_OPTION', start('stored', { ...options, history: 'article', minHistory: 50 }))).toMatch(
      /"minHistory"/,
    )
  })

  it('a validation file may have articles of other lengths', { timeout: SLOW }, async () => {
    const val = await vectorFile('short-val', { articles: 3, length: 8, seed: 2 })
    const options = { split: 'file', val, space: 'test', history: 'article', epochs: 1 } as const
    for (const model of ['gru', 'linformer'] as const) {
      const events = await start(`file-${model}`, { ...options, model })
      expect(events[0]).toMatchObject({ data: { windows: { val: 3 * 3 } } })
      expect(manifestOf(run(`file-${model}`)).context).toBe(59)
    }
    await start('file-sequence', { ...options, objective: 'sequence' })
    expect((await judged('file-sequence', { space: 'test' })).rows).toBe('val')
  })

  it('contexts cross articles with --split windows and a number of vectors', async () => {
    const events = await start('crossing', { split: 'windows', history: '12', epochs: 1 })
    expect(events[0]).toMatchObject({ data: { windows: { train: expect.any(Number) } }, split: { leaky: true } })
    expect(await refused('BAD_OPTION', start('crossing-articles', { split: 'windows', history: 'article' }))).toMatch(
      /"split" windows/,
    )
  })
})

describe('train refuses', () => {
  it.each<[string, Partial<TrainOptions> & { model?: ModelName }, RegExp]>([
    ['a history shorter than the shortest context', { history: '3', minHistory: 5 }, /at least the 5 vectors of "minHistory"/],
    ['a history of 0', { history: '0' }, /article or a number of vectors/],
    ['a history in words', { history: 'all' }, /article or a number of vectors/],
    ['a context beside a history', { history: '12', context: 12 }, /"context"/],
    ['--min-history without --history', { minHistory: 3 }, /without "history"/],
    ['--batch-vectors without --history', { batchVectors: 100 }, /without "history"/],
    ['a model of fixed length', { model: 'mlp', history: '12' }, /at least 12, because mlp reads exactly so many vectors/],
    [
      'every target of an article for a model that is not causal',
      { model: 'linformer', history: '12', objective: 'sequence' },
      /not causal/,
    ],
  ])('%s', async (_, options, message) => {
    expect(await refused('BAD_OPTION', start('refused', options))).toMatch(message)
    expect(() => statSync(run('refused'))).toThrow()
  })
})
