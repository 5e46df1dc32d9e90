import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { controlled } from '../lib/control.js'
import { LvmError } from '../lib/errors.js'
import * as library from '../lib/index.js'
import {
  type Control,
  ceiling,
  decode,
  evaluate,
  exportRun,
  load,
  type Moment,
  nearest,
  next,
  openBase,
  predict,
  retrieve,
  synth,
} from '../lib/index.js'
import { profiled, stage, tally } from '../lib/stages.js'
import { refused } from './files/fixture.js'
import { expectStops } from './stops.js'
import { place, TINY, trained, vectorFile } from './train/runs.js'

let run: string
let data: string
beforeAll(async () => {
  data = await vectorFile('base', { text: (row) => `sentence ${row}` })
  await trained({ ...TINY, model: 'lstm', data, name: 'controlled' })
  run = join(TINY.out, 'controlled')
})

const calls: [string, (control: Control) => Promise<unknown>][] = [
  ['predict', (control) => predict({ run, out: place('predictions.npy') }, control)],
  ['evaluate', (control) => evaluate({ runs: [run], latency: 0, out: place('evaluation') }, control)],
  ['retrieve', (control) => retrieve({ runs: [run], out: place('retrieval') }, control)],
  ['openBase', async (control) => (await openBase(data, {}, control)).dispose()],
  ['load', async (control) => (await load(run, {}, control)).dispose()],
  ['decode', (control) => decode({ vectors: data, bank: data, limit: 4 }, control)],
  ['next', (control) => next({ run, data, k: 1 }, control)],
  ['nearest', (control) => nearest(data, data, 1, {}, control)],
  ['synth', (control) => synth({ out: place('synth.npy'), rows: 40, dim: 16, articles: 4 }, control)],
  ['ceiling', (control) => ceiling({ data, out: place('ceiling') }, control)],
]

/** Further functions, which are only stopped here. */
const stopped: typeof calls = [
  ['analyze', (control) => library.analyze({ run, out: place('out') }, undefined, control)],
  ['arrow', (control) => library.arrow({ data, out: place('out') }, control)],
  ['audit', (control) => library.audit({ data }, control)],
  ['benchmark', (control) => library.benchmark({ runs: [run], out: place('out') }, control)],
  ['bundle', (control) => library.bundle({ runs: [run], out: place('x.tgz') }, control)],
  ['compare', (control) => library.compare({ runs: [run, 'copy_last'], data, out: place('out') }, control)],
  ['diagnose', (control) => library.diagnose({ runs: [run], out: place('out') }, undefined, control)],
  ['exportRun', (control) => library.exportRun({ run, out: place('x.pt') }, control)],
  ['importCheckpoint', (control) => library.importCheckpoint({ file: join(run, 'best_model.pt'), model: 'lstm', out: place('out') }, control)],
  ['openWindows', async (control) => (await library.openWindows(data, {}, control)).dispose()],
  ['prune', (control) => library.prune({ run, name: 'x' }, control)],
  ['quantize', (control) => library.quantize({ run, name: 'x' }, control)],
  ['report', (control) => library.report({ runs: TINY.out, out: place('out') }, control)],
  ['rollout', (control) => library.rollout({ run }, control)],
  ['selftest', (control) => library.selftest({}, control)],
] // biome-ignore format: a table

describe('{ signal, onProgress }', () => {
  it.each(calls)('the function %s reports its stages to onProgress', async (_, call) => {
    const seen: Moment[] = []
    await call({ onProgress: (moment) => seen.push(moment) })
    expect(seen.length).toBeGreaterThan(0)
    expect(seen.flatMap(({ open }) => open.map(({ stage }) => stage))).toContainEqual(expect.any(String))
  })
  it.each([...calls, ...stopped])('%s stops at its first stage after an abort', async (_, call) => {
    await expectStops(call)
  })
  it('predict that is stopped writes no file', async () => {
    const out = place('stopped.npy')
    await refused('INTERRUPTED', predict({ run, out }, { signal: AbortSignal.abort() }))
    expect(existsSync(out)).toBe(false)
  })
  it('exportRun that is stopped during its comparison ends the other process and writes no file', async () => {
    const out = place('stopped.pt')
    const controller = new AbortController()
    const onProgress = ({ open }: Moment) => {
      if (open.at(-1)?.stage === 'compare in another process') setTimeout(() => controller.abort(), 20)
    }
    await refused('INTERRUPTED', exportRun({ run, out }, { signal: controller.signal, onProgress }))
    expect(existsSync(out)).toBe(false)
  })
  it('an onProgress that throws ends the call, and other values are refused', async () => {
    const fail = () => {
      throw new Error('mine')
    }
    expect(await refused('BAD_OPTION', predict({ run, out: place('x.npy') }, { onProgress: fail }))).toContain('mine')
    const wrong = predict({ run, out: place('x.npy') }, { onprogress: () => {} } as never)
    expect(await refused('BAD_OPTION', wrong)).toContain('signal, onProgress')
  })
})

/** Arguments that pass the checks of every function that may take long, and the argument that holds its control. */
const LONG: Readonly<Record<string, readonly unknown[]>> = {
  abtest: [{ runs: ['r'] }],
  analyze: [{ run: 'r' }, undefined],
  arrow: [{ data: 'd' }],
  audit: [{ data: 'd' }],
  bankInfo: ['lance:x'],
  benchmark: [{ runs: ['r'] }],
  bundle: [{ runs: ['r'], out: 'x.tgz' }],
  ceiling: [{ data: 'd' }],
  checkSpace: ['SKIP'], // its base and encoder must be open
  compare: [{ runs: ['r', 's'] }],
  decode: [{ run: 'r' }],
  diagnose: [{ runs: ['r'] }, undefined],
  encode: [{}],
  evaluate: [{ runs: ['r'] }],
  experiment: [{ plan: 'p' }],
  exportRun: [{ run: 'r' }],
  fetchEncoder: [{ name: 'a/b' }],
  importCheckpoint: [{ file: 'f', model: 'lstm' }],
  load: ['r', {}],
  loadtest: [{ url: 'http://127.0.0.1:1' }],
  makeData: [{ texts: 't' }],
  nearest: [[[1]], [[1]], 1, {}],
  next: [{ run: 'r' }],
  openBase: ['b', {}],
  openWindows: ['b', {}],
  plan: [{ model: 'lstm', rows: 1000 }],
  predict: [{ run: 'r', out: 'x.npy' }],
  prune: [{ run: 'r' }],
  pushBank: ['b', 'lance:x', {}],
  quantize: [{ run: 'r' }],
  report: [{}],
  retrieve: [{ runs: ['r'] }],
  rollout: [{ run: 'r' }],
  selftest: [{}],
  serve: [{ runs: ['r'] }],
  shardBase: ['x', [[1]], 'IN_OPTIONS'],
  sweep: [{}],
  synth: [{ out: 'x.npy' }],
  verify: [{ report: 'r' }],
  verifyBank: ['lance:x', 'b', {}],
  verifyBundle: ['f', {}],
  verifyEncoder: ['e'],
  writeBase: ['x.npy', [[1]], 'IN_OPTIONS'],
}
/** Functions that only read or remove a few small files, that follow their work by events, or that do one thing as a whole. */
const SHORT = [
  ...[
    'call',
    'compareBenchmarks',
    'createModel',
    'devices',
    'diffRuns',
    'experimentReport',
    'experimentStatus',
    'listModels',
    'listRuns',
    'operators',
    'plateau',
    'pruneRun',
    'saveModel',
    'warmupCosine',
  ],
  ...['removeRun', 'showModel', 'showRun', 'train'],
  ...[
    'auditPage',
    'arrowPage',
    'ceilingPage',
    'experimentMarkdown',
    'markdown',
    'renderAnalysis',
    'renderDiagnosis',
    'verifiedText',
  ],
]
it('every function of the library that may take long takes { signal, onProgress }', async () => {
  const isPlain = (value: unknown) => typeof value === 'function' && !/^class\b/.test(Function.prototype.toString.call(value))
  const names = Object.entries(library).flatMap(([name, value]) => (isPlain(value) ? [name] : []))
  expect(names.filter((name) => !SHORT.includes(name)).sort()).toEqual(Object.keys(LONG).sort())
  const functions = new Map(Object.entries(library) as [string, (...given: unknown[]) => Promise<unknown>][])
  for (const [name, given] of Object.entries(LONG)) {
    if (given[0] === 'SKIP') continue
    const run = functions.get(name)!
    const wrong = (control: object) =>
      run(...(given.at(-1) === 'IN_OPTIONS' ? [...given.slice(0, -1), control] : [...given, control]))
    expect(await refused('BAD_OPTION', wrong({ onProgress: 3 })), name).toContain('a function for "onProgress"')
    expect(await refused('BAD_OPTION', wrong({ signal: 3 })), name).toContain('an AbortSignal for "signal"')
  }
})

it('controlled work keeps the stages of the work around it, and is told its parts at most ten times a second', async () => {
  const seen: Moment[] = []
  const work = () =>
    controlled({ onProgress: (moment) => seen.push(moment) }, () =>
      stage('count', async () => {
        for (let i = 0; i < 1000; i++) tally(i, 1000)
        await sleep(120)
        tally(1000, 1000)
      }),
    )
  const { done, stages } = profiled('verb', () => stage('whole', work))
  await done
  expect(stages().stages.at(-1)).toMatchObject({ stage: 'whole', stages: [{ stage: 'count', calls: 1 }] })
  expect(seen.length).toBeLessThan(10)
  expect(seen.at(-1)!.open.at(-1)).toMatchObject({ stage: 'count', done: 1000, total: 1000 })
})

it('an abort gives its reason where that is one of our errors', async () => {
  const reason = new LvmError('TERMINATED', 'mine')
  await refused(
    'TERMINATED',
    controlled({ signal: AbortSignal.abort(reason) }, async () => {}),
  )
})
