import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, it } from 'vitest'
import { verifyRun } from '../../lib/checkpoint/run-store.js'
import { load, train } from '../../lib/index.js'
import { eventsOf, lvm } from './programs.js'
import { comparable, contentOf, historyOf, manifestOf, place, trained, vectorFile } from './runs.js'

const cwd = place('work')
let data: string
beforeAll(async () => {
  data = await vectorFile('base')
  mkdirSync(cwd)
})

const tiny = (name: string) => [
  'train',
  'lstm',
  '--data',
  data,
  '--preset',
  'tiny',
  '--epochs',
  '25',
  '--threads',
  '1',
  '--name',
  name,
]
const run = (name: string) => join(cwd, 'artifacts/lvm/models', name)

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s leaves a checkpoint, says how to go on, and going on ends equal', async (signal, code) => {
  const name = signal.toLowerCase()
  const first = lvm(cwd, ...tiny(name))
  await first.says(/^ +3 +0\.\d+/m) // the row of the third epoch
  first.child.kill(signal)
  expect(await first.end).toBe(code)
  expect(first.err()).toMatch(/stopping after this step/)
  expect(first.err()).toContain(`the checkpoint is in artifacts/lvm/models/${name}`)

  const { manifest } = await verifyRun(run(name))
  expect(manifest.progress).toMatchObject({ finished: false })
  expect(historyOf(run(name)).history.length).toBeLessThan(26)
  ;(await load(run(name))).dispose()

  const again = /resume with: (.*)$/m.exec(first.err())![1]!
  expect(again).toMatch(/--resume$/)
  execFileSync('sh', ['-c', again], { cwd, stdio: 'pipe' })
  await trained({ model: 'lstm', data, preset: 'tiny', epochs: 25, threads: 1, out: place('.'), name: `whole-${name}` })
  expect(comparable(historyOf(run(name)))).toEqual(comparable(historyOf(place(`whole-${name}`))))
  expect([...(await contentOf(join(run(name), 'best_model.pt')))]).toEqual([
    ...(await contentOf(join(place(`whole-${name}`), 'best_model.pt'))),
  ])
  expect(manifestOf(run(name)).progress).toMatchObject({ finished: true })
})

it('a second Ctrl-C ends the program at once, and the last save is intact', async () => {
  const long = await vectorFile('long', { articles: 6, length: 60 })
  const slow = ['--context', '32', '--batch-size', '64', '--width', '1024', '--threads', '1'] // one step takes seconds
  const program = lvm(cwd, 'train', 'lstm', '--data', long, '--name', 'twice', '--json', ...slow)
  await program.says(/"type":"saved"/)
  program.child.kill('SIGINT')
  await sleep(500) // an earlier one would count as part of the first
  const asked = performance.now()
  program.child.kill('SIGINT')
  expect(await program.end).toBe(130)
  expect(performance.now() - asked).toBeLessThan(10_000) // with a margin for a busy machine
  expect((await verifyRun(run('twice'))).manifest.progress).toMatchObject({ epoch: 1 })
})

it('train --json prints the events of the library, and the last one is the result', async () => {
  const program = lvm(cwd, ...tiny('events'), '--json')
  expect(await program.end).toBe(0)
  const events = eventsOf(program)
  expect(events.every(({ version }) => version === 1)).toBe(true)
  expect(events.map(({ type }) => type).filter((type) => type === 'epoch')).toHaveLength(26)
  expect(events.at(0)).toMatchObject({ type: 'start' })
  expect(events.at(-1)).toMatchObject({ type: 'result', stopped: 'done' })
})

it('a failed training has the exit code of its error, and its error event has the code', async () => {
  const diverging = [
    'train',
    'lstm',
    '--data',
    data,
    '--preset',
    'tiny',
    '--name',
    'wild',
    '--threads',
    '1',
    '--json',
    '--lr',
    '10',
    '--clip',
    '0',
  ]
  const cases: [string[], number, string][] = [
    [[...diverging, '--eps', '0', '--beta1', '0', '--beta2', '0'], 7, 'DIVERGED'],
    [['train', 'lstm', '--data', data, '--batch-size', '10000000', '--json'], 6, 'OUT_OF_MEMORY'],
    [['train', 'lstm', '--name', 'gone', '--resume', '--json'], 2, 'RUN_MISSING'],
    [['evaluate', 'events', 'gone', '--latency', '0', '--json'], 2, 'RUN_MISSING'],
  ]
  for (const [words, code, name] of cases) {
    const program = lvm(cwd, ...words)
    expect([await program.end, eventsOf(program).at(-1)], words.join(' ')).toEqual([
      code,
      expect.objectContaining({ type: 'error', code: name, message: expect.any(String), hint: expect.any(String) }),
    ])
  }
})

it('evaluate evaluates every run it is given', async () => {
  await trained({
    model: 'gru',
    data,
    preset: 'tiny',
    epochs: 1,
    threads: 1,
    out: join(cwd, 'artifacts/lvm/models'),
    name: 'second',
  })
  const program = lvm(cwd, 'evaluate', 'events', 'second', '--latency', '0', '--json')
  expect(await program.end, program.err()).toBe(0)
  const { runs } = JSON.parse(program.out()) as { runs: { run: string; model: string }[] }
  expect(runs.map(({ run, model }) => [run, model])).toEqual([
    ['events', 'lstm'],
    ['second', 'gru'],
  ])
})

it('a training stops during the data audit, and leaves no run to resume', async () => {
  const unknown = await vectorFile('unknown', { seed: Date.now() }) // to no cache of audits
  const stop = new AbortController()
  const training = train(
    { model: 'lstm', data: unknown, preset: 'tiny', out: place('.'), name: 'unaudited' },
    { signal: stop.signal },
  )
  const told: string[] = []
  const all = async () => {
    for await (const event of training) {
      told.push(event.type)
      if (event.type === 'audit') stop.abort()
    }
  }
  await expect(all()).rejects.toMatchObject({ code: 'INTERRUPTED', exit: 130 })
  expect(told).toEqual(['start', 'audit'])
  await expect(load(place('unaudited'))).rejects.toMatchObject({ code: 'RUN_MISSING' })
})
