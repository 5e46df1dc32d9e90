import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { evaluate, listRuns, load, pruneRun, removeRun } from '../../lib/index.js'
import { refused } from '../files/fixture.js'
import { contentOf, historyOf, nth, TINY, trained, vectorFile } from './runs.js'

let data: string
let noise: string
beforeAll(async () => {
  data = await vectorFile('base')
  noise = await vectorFile('noise', { noise: true, articles: 4 })
})
const run = (name: string) => join(TINY.out, name)
const epochsOf = (name: string) => readdirSync(join(run(name), 'epochs')).sort()
const files = (epochs: readonly number[]) => epochs.toSorted((a, b) => a - b).map((epoch) => `epoch-000${epoch}.pt`)

it('best_model.pt has the weights without the state of the optimizer, which final_model.pt has', async () => {
  await trained({ ...TINY, model: 'lstm', data, name: 'light', ema: 0.9 })
  const [best, final] = await Promise.all(['best_model.pt', 'final_model.pt'].map((file) => contentOf(join(run('light'), file))))
  const keysOf = (content: Map<string, string>) => [
    ...new Set([...content.keys()].map((key) => key.split('/').slice(0, 3).join('/'))),
  ]
  expect(keysOf(best!)).toEqual(
    expect.arrayContaining(['/epoch', '/val_loss', '/val_cosine', '/optimizer_state_dict/param_groups']),
  )
  expect([...best!.keys()].filter((key) => /optimizer_state_dict\/state|training_state|average_state/.test(key))).toEqual([])
  expect([...final!.keys()].some((key) => key.startsWith('/optimizer_state_dict/state/0'))).toBe(true)
  const size = (file: string) => statSync(join(run('light'), file)).size
  expect(size('final_model.pt')).toBeGreaterThan(3.5 * size('best_model.pt'))
})

describe('--keep-best and --keep-last', () => {
  it('the weights of the best and of the last epochs stay, also over a stop', async () => {
    // on random targets the loss rises
    const options = {
      ...TINY,
      model: 'lstm',
      data,
      val: noise,
      split: 'file',
      space: 'test',
      lr: 0.1,
      epochs: 7,
      saveEvery: 2,
    } as const
    await trained({ ...options, name: 'kept', keepBest: 2, keepLast: 2 })
    const { history } = historyOf(run('kept'))
    const best = history
      .slice(1)
      .toSorted((a, b) => a.val_loss - b.val_loss)
      .slice(0, 2)
    expect(epochsOf('kept')).toEqual(files([...new Set([...best.map(({ epoch }) => epoch), 6, 7])]))
    const { best_epoch } = historyOf(run('kept'))
    const one = await contentOf(join(run('kept'), 'epochs', files([best_epoch!])[0]!))
    expect([...one]).toEqual([...(await contentOf(join(run('kept'), 'best_model.pt')))])

    const again = { ...options, name: 'halted', keepBest: 2, keepLast: 2 } as const
    for (const [i, stop] of [nth('progress', 2), nth('epoch', 2), nth('saved', 3), undefined].entries())
      await trained({ ...again, resume: i > 0 }, stop)
    expect(epochsOf('halted')).toEqual(epochsOf('kept'))
    expect(await removeRun(run('kept'))).toEqual({ kept: [] })
  })

  it('a run that is overwritten without the options has no epochs left', async () => {
    const options = { ...TINY, model: 'gru', data, name: 'over' } as const
    await trained({ ...options, keepLast: 1 })
    expect(epochsOf('over')).toEqual(['epoch-0002.pt'])
    await trained({ ...options, overwrite: true })
    expect(epochsOf('over')).toEqual([])
  })
})

describe('runs prune', () => {
  it('a pruned run is smaller, loads and evaluates as before, and cannot be resumed', async () => {
    const options = { ...TINY, model: 'lstm', data, name: 'pruned', out: join(TINY.out, 'apart') } as const
    await trained(options)
    const folder = join(options.out, 'pruned')
    const out = join(TINY.out, 'figures')
    const figures = async () => (await evaluate({ runs: [folder], latency: 0, out })).results.runs[0]!.cosine
    const before = await figures()
    const [{ bytes: size }] = (await listRuns(options.out)) as unknown as [{ bytes: number }]
    const { freed } = await pruneRun(folder)
    const [row] = await listRuns(options.out)
    expect(row).toMatchObject({ state: 'complete', problem: null, bytes: size - freed })
    expect(freed).toBeGreaterThan(statSync(join(folder, 'best_model.pt')).size)
    expect(existsSync(join(folder, 'final_model.pt'))).toBe(false)
    expect(await figures()).toEqual(before)
    ;(await load(folder)).dispose()
    expect(await refused('BAD_OPTION', trained({ ...options, resume: true, epochs: 5 }))).toContain('runs prune')
    expect(await pruneRun(folder)).toEqual({ freed: 0 })
  })
  it('a run without best weights is not pruned', async () => {
    await trained({ ...TINY, model: 'gru', data, name: 'early', epochs: 0 })
    expect(await refused('BAD_OPTION', pruneRun(run('early')))).toContain('no epoch')
    expect(existsSync(join(run('early'), 'final_model.pt'))).toBe(true)
  })
})
