import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { runsOf } from '../../lib/experiment/perform-run.js'
import { type ExperimentEvent, experiment, LvmError, type SweepEvent, sweep } from '../../lib/index.js'
import { LiveRuns } from '../../lib/train/watch/live-runs.js'
import { planFile } from '../experiment/killed-experiment.js'
import { refused } from '../files/fixture.js'
import { appended, asked } from '../train/event-stream.js'
import { lvm } from '../train/programs.js'
import { place, vectorFile } from '../train/runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('watched', { articles: 30 })
})

type Rows = Record<string, number | null>[]
/** What the page of many runs has after all messages. */
async function read(url: string) {
  const curves: Record<string, { steps: Rows; epochs: Rows }> = {}
  const shown = { work: {} as Record<string, unknown>, runs: [] as Record<string, unknown>[], curves }
  let text = ''
  for await (const piece of (await asked(`${url}events`)).setEncoding('utf8')) {
    const messages = (text + piece).split('\n\n')
    text = messages.pop()!
    for (const message of messages) {
      const { curves: parts, ...state } = JSON.parse(message.replace(/^data: /, ''))
      Object.assign(shown, state)
      for (const [run, { steps, epochs }] of Object.entries<Record<string, never>>(parts)) {
        const before = curves[run] ?? { steps: [], epochs: [] }
        curves[run] = { steps: appended(before.steps, steps), epochs: appended(before.epochs, epochs) }
      }
    }
  }
  return shown
}
const linesOf = (run: string, type: string, keys: readonly string[]): Rows =>
  readFileSync(join(run, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter((line) => line.type === type)
    .map((line) => Object.fromEntries(keys.map((key) => [key, line[key]])))
const expectCurves = (shown: Awaited<ReturnType<typeof read>>, name: string, run: string) =>
  expect(shown.curves[name]).toEqual({
    steps: linesOf(run, 'step', ['step', 'loss']),
    epochs: linesOf(run, 'epoch', ['epoch', 'val_loss', 'val_cosine']),
  })

const out = place('watched-models')
const options = { models: 'lstm,mlp', preset: 'tiny', epochs: 2, threads: 1, latency: 0, out, evaluation: place('watched') } as const // biome-ignore format: a line
const all = ['lstm_baseline', 'mlp']

describe('the page of many runs', () => {
  it('has the curves of metrics.jsonl of each run of a sweep, also of those that ended before and of one that is resumed', async () => {
    const stop = new AbortController()
    let page: ReturnType<typeof read> | undefined
    const tell = (event: SweepEvent) => {
      if (event.type === 'watch') page = read(event.url)
      if (event.type === 'training' && event.run === 'mlp' && event.event.type === 'step' && event.event.step > 15) stop.abort()
    }
    const first = { ...options, data, epochs: 60, maxSteps: 90 }
    await sweep(first, { watch: true, tell, signal: stop.signal })
    const stopped = await page!
    expect(stopped.work).toMatchObject({ state: 'stopped', done: 1, of: 2 })
    expect(stopped.runs.map(({ run, state }) => `${run} ${state}`)).toEqual(['lstm_baseline done', 'mlp interrupted'])
    expectCurves(stopped, all[0]!, join(out, all[0]!))
    await sweep(first, { watch: true, tell })
    const shown = await page!
    expect(shown.work).toMatchObject({ title: `sweep · ${options.evaluation}`, state: 'finished', done: 2, of: 2 })
    expect(shown.runs.map(({ run, state, error }) => ({ run, state, error }))).toEqual(
      all.map((run) => ({ run, state: 'done', error: null })),
    )
    for (const run of all) expectCurves(shown, run, join(out, run))
  })

  it('shows the runs of an experiment, with those of earlier calls', async () => {
    const lines = [`data: ${data}`, 'method: random', 'models: [mlp]', 'fixed: {preset: tiny, epochs: 1, threads: 1}']
    const plan = planFile(place('plans'), 'watched', [...lines, 'search: {lr: [0.001, 0.01]}', 'budget: {runs: 2}', 'confirm: {top: 0}']) // biome-ignore format: a line
    const folder = place('watched-experiment')
    let page: ReturnType<typeof read> | undefined
    for (const call of ['stopped', 'finished'] as const) {
      const stop = new AbortController()
      const tell = (event: ExperimentEvent) => {
        if (event.type === 'watch') page = read(event.url)
        if (event.type === 'run' && call === 'stopped') stop.abort()
      }
      await experiment({ plan, out: folder }, { watch: true, tell, signal: stop.signal })
      const shown = await page!
      const done = call === 'stopped' ? 1 : 2
      expect(shown.work).toMatchObject({ title: 'experiment watched', state: call, done, of: 2 })
      expect(shown.runs).toHaveLength(done)
      for (const { run, state, model } of shown.runs) {
        expect({ state, model }).toEqual({ state: 'done', model: 'mlp' })
        expectCurves(shown, String(run), join(runsOf(folder), String(run)))
      }
    }
  })

  it('tells the error of a run and of the whole work', () => {
    const live = new LiveRuns('x')
    live.enter('a', { model: 'gru', state: 'failed', error: { code: 'SIGKILL', message: 'killed' } })
    live.end('failed', new LvmError('NO_DISK', 'full', { hint: 'make room' }))
    live.end('finished')
    const { work, runs } = JSON.parse(live.change())
    expect(work).toMatchObject({ state: 'failed', done: 1, error: { code: 'NO_DISK', message: 'full', hint: 'make room' } })
    expect(runs).toEqual([{ run: 'a', model: 'gru', state: 'failed', error: { code: 'SIGKILL', message: 'killed' } }])
  })

  it('drops the points that a resumed training repeats, and those of a run that begins again', () => {
    const live = new LiveRuns('x')
    const told = (event: object) => live.hear('a', { version: 1, ...event } as never)
    const steps = () => JSON.parse(live.whole()).curves.a.steps.rows
    told({ type: 'start', model: 'gru', resumed: false })
    for (const step of [10, 20, 30]) told({ type: 'step', step, loss: step })
    told({ type: 'start', model: 'gru', resumed: true })
    live.change()
    told({ type: 'step', step: 20, loss: 5 })
    expect(JSON.parse(live.change()).curves.a.steps).toMatchObject({ from: 1, rows: [[20, 5]] })
    expect(steps()).toEqual([[10, 10], [20, 5]]) // biome-ignore format: points
    told({ type: 'start', model: 'gru', resumed: false })
    told({ type: 'step', step: 10, loss: 1 })
    expect(steps()).toEqual([[10, 1]])
    for (let step = 20; step < 50_000; step += 10) told({ type: 'step', step, loss: 1 })
    expect(steps().length).toBeLessThanOrEqual(128)
  })

  it('a port in use is refused before the first training, and a wrong value of watch', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((done) => server.once('listening', done))
    const { port } = server.address() as AddressInfo
    const start = (watch: unknown) =>
      sweep({ ...options, data, out: place('refused-models'), evaluation: place('refused') }, { watch } as never)
    expect(await refused('BAD_OPTION', start({ port }))).toContain(`port ${port} of 127.0.0.1 is in use`)
    for (const wrong of ['yes', { port: 65_536 }, { host: '0.0.0.0' }])
      expect(await refused('BAD_OPTION', start(wrong))).toContain('"watch"')
    server.close()
  })
})

it('sweep --watch prints the address on stderr, and the page runs no script but its own', async () => {
  const words = ['sweep', '--models', 'mlp', '--data', data, '--preset', 'tiny', '--epochs', '1', '--threads', '1', '--latency', '0'] // biome-ignore format: a line
  const program = lvm(place('.'), ...words, '--out', place('cli-models'), '--evaluation', place('cli'), '--watch')
  await program.says(/training/)
  const url = /^watch the runs at (\S+)$/m.exec(program.err())![1]!
  const page = await fetch(url)
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; connect-src 'self'")
  const script = /<script>([\s\S]*)<\/script>/.exec(await page.text())![1]!
  execFileSync(process.execPath, ['--check', '-'], { input: script })
  const shown = await read(url)
  expect(await program.end).toBe(0)
  expect(shown.work).toMatchObject({ state: 'finished', done: 1, of: 1 })
})
