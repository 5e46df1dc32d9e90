import { afterEach, describe, expect, it } from 'vitest'
import { load, Tensor, train } from '../../lib/index.js'
import { threadsOfEnvironment } from '../../lib/libtorch/machine.js'
import { native } from '../../lib/native.js'
import { useThreads } from '../../lib/torch/device.js'
import { processSettings, useSettings, withSettings } from '../../lib/torch/process-settings.js'
import { place, TINY, vectorFile } from '../train/runs.js'

const before = processSettings()
afterEach(() => useSettings(before))

async function run(name: string): Promise<string> {
  const options = { ...TINY, model: 'gru', data: await vectorFile(name), name, epochs: 1, force: true } as const
  for await (const _ of train(options));
  return `${TINY.out}/${name}`
}

describe('the threads and the multiplier of a model', () => {
  it('loading a model changes threads and multiplier of neither the process nor another model', async () => {
    const path = await run('settings')
    useSettings({ threads: 3, multiplier: 'onednn' })
    using one = await load(path, { threads: 1 })
    expect(processSettings()).toEqual({ threads: 3, multiplier: 'onednn' })
    using two = await load(path, { threads: 2 })
    expect(processSettings()).toEqual({ threads: 3, multiplier: 'onednn' })
    expect([one.settings.threads, two.settings.threads]).toEqual([1, 2])
    const x = new Float32Array(one.context * one.dim).fill(0.25)
    expect(await one.predict(x)).toEqual(await one.predict(x))
    expect(native.threads()).toBe(3)
  })
  it('threads and multiplier of the process stay when a load fails, and when several models load at once', async () => {
    const path = await run('several')
    useSettings({ threads: 3, multiplier: 'aten' })
    const loads = [load(path, { threads: 1 }), load(place('nowhere')), load(path, { threads: 2 })]
    const [one, gone, two] = await Promise.allSettled(loads)
    expect([one!.status, gone!.status, two!.status]).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(processSettings()).toEqual({ threads: 3, multiplier: 'aten' })
  })
  it('work uses the threads and the multiplier of the moment it was requested', async () => {
    useSettings({ threads: 2, multiplier: 'aten' })
    const x = Tensor.from(new Float32Array(64).fill(1), [8, 8])
    const work = withSettings({ threads: 1, multiplier: 'onednn' }, () => native.call('aten::mm', [x.native, x.native], {}))
    expect(processSettings()).toEqual({ threads: 2, multiplier: 'aten' })
    await work
    expect(native.threads()).toBe(2)
  })
})

describe('OMP_NUM_THREADS', () => {
  it.each([
    ['4', 4],
    ['4,2', 4],
    [' 1 ', 1],
    ['', undefined],
    ['0', undefined],
    ['many', undefined],
    ['-1', undefined],
    ['99999999', undefined],
  ])('OMP_NUM_THREADS=%j sets %s threads', (value, threads) => expect(threadsOfEnvironment(value)).toBe(threads))

  it('OMP_NUM_THREADS applies without another setting, and a warning names it when a run overrides it', async () => {
    const kept = process.env.OMP_NUM_THREADS
    const warnings: string[] = []
    const hear = ({ message }: Error) => warnings.push(message)
    process.on('warning', hear)
    process.env.OMP_NUM_THREADS = '3'
    try {
      expect(useThreads(undefined)).toBe(3)
      expect(useThreads(2)).toBe(2)
      expect(useThreads(3, { recorded: 'a run' })).toBe(3)
      expect(useThreads(1, { recorded: 'a run' })).toBe(1)
      await new Promise((done) => setImmediate(done))
      expect(warnings.filter((said) => !said.includes('wait for each other'))).toEqual([
        'OMP_NUM_THREADS=3 is overruled by "threads" 2',
        expect.stringMatching(
          /^OMP_NUM_THREADS=3 is overruled by the 1 threads that a run was trained with; set "threads" instead$/,
        ),
      ])
    } finally {
      process.off('warning', hear)
      if (kept === undefined) delete process.env.OMP_NUM_THREADS
      else process.env.OMP_NUM_THREADS = kept
    }
  })
})

describe('more threads than processors', () => {
  it.each([
    [undefined, /^1000 threads wait for each other on .* that this process may use; set "threads" \d+ to compute faster$/],
    ['a run', /^1000 threads, with which a run was trained, wait for each other on .*; set "threads" \d+ to compute faster$/],
  ])('a warning says that more threads than processors wait for each other (run: %s)', async (recorded, expected) => {
    const warnings: string[] = []
    const hear = ({ message }: Error) => warnings.push(message)
    process.on('warning', hear)
    useThreads(1000, { recorded })
    useThreads(1, { recorded })
    await new Promise((done) => setImmediate(done))
    process.off('warning', hear)
    expect(warnings.filter((said) => said.includes('wait for each other'))).toEqual([expect.stringMatching(expected)])
  })
})
