import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { beforeAll, expect, it } from 'vitest'
import { evaluate } from '../../lib/evaluate/evaluate-runs.js'
import { refused } from '../files/fixture.js'
import { freePort } from '../train/free-port.js'
import { lvm, type Program } from '../train/programs.js'
import { place, TINY, trained, vectorFile } from '../train/runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('base', { articles: 40, length: 40 })
  await trained({ ...TINY, model: 'gru', data, name: 'one', epochs: 2 })
  await trained({ ...TINY, model: 'lstm', data, name: 'other', epochs: 1 })
})
const cwd = () => place('')
const runs = () => [place('runs/one'), place('runs/other')]

/** Cache of its own for each program, so that none reads what another one kept. */
let caches = 0
const own = () => ({ LVM_TORCH_CACHE: place(`cache-${caches++}`), LVM_TORCH_LIBTORCH: libtorch })
const { path: libtorch } = await import('../../lib/libtorch/find.js').then(({ findLibtorch }) => findLibtorch()!)

/** Printed figures of a verb, without times. */
async function figures(env: Record<string, string>, ...words: string[]): Promise<unknown> {
  const program = lvm({ cwd: cwd(), env: { ...own(), ...env } }, ...words, '--json', '--out', place(`reports-${caches}`))
  expect(await program.end, program.err()).toBe(0)
  return JSON.parse(program.out(), (key, value) => (/seconds|profile|cpu_share|load_ms/.test(key) ? undefined : value))
}

/** Starts the ranks of one verb with the variables that a launcher sets; `words` of each rank. */
async function ranks(size: number, words: (rank: number) => string[]): Promise<Program[]> {
  const env = { WORLD_SIZE: `${size}`, MASTER_ADDR: '127.0.0.1', MASTER_PORT: `${await freePort()}` }
  return Array.from({ length: size }, (_, rank) =>
    lvm({ cwd: cwd(), env: { ...own(), ...env, RANK: `${rank}` } }, ...words(rank)),
  )
}

it.each([2, 3])('%i processes give the figures of one process: evaluate, all windows of two runs', async (processes) => {
  const words = ['evaluate', ...runs(), '--rows', 'all', '--latency', '0']
  const alone = await figures({}, ...words, '--threads', '1')
  expect(await figures({}, ...words, '--processes', `${processes}`, '--threads', '1')).toEqual(alone)
})

it('three processes give the figures of one process: retrieve, in the data and in another bank', async () => {
  const more = ['--processes', '3', '--threads', '1']
  const words = ['retrieve', ...runs(), '--rows', 'all']
  expect(await figures({}, ...words, ...more)).toEqual(await figures({}, ...words, '--threads', '1'))
  const bank = ['retrieve', place('runs/one'), '--bank', data, '--exclude', 'context']
  expect(await figures({}, ...bank, ...more)).toEqual(await figures({}, ...bank, '--threads', '1'))
})

it('of ranks that a launcher starts only rank 0 prints and writes', async () => {
  const programs = await ranks(2, (rank) => ['evaluate', place('runs/one'), '--latency', '0', '--out', place(`by-${rank}`)])
  expect(await Promise.all(programs.map(({ end }) => end)), programs.map((each) => each.err()).join()).toEqual([0, 0])
  expect(programs[0]!.out()).toMatch(/140 windows of 4 articles[\s\S]*one/)
  expect(programs[1]!.out() + programs[1]!.err()).toBe('')
  expect([0, 1].map((rank) => existsSync(join(place(`by-${rank}`), 'validation_results.json')))).toEqual([true, false])
})

it('a rank with other options, or with other data under the same name, is refused', async () => {
  const options = await ranks(2, (rank) => [
    'evaluate',
    place('runs/one'),
    '--rows',
    rank === 0 ? 'val' : 'all',
    '--latency',
    '0',
  ])
  expect(await Promise.all(options.map(({ end }) => end))).toEqual([2, 2])
  expect(options[0]!.err()).toMatch(/^RANK_MISMATCH: .*the same options on every rank but rank 1 differs/m)
  const other = await vectorFile('other', { articles: 40, length: 40, seed: 2 })
  const files = await ranks(2, (rank) => ['evaluate', place('runs/one'), '--latency', '0', '--data', rank === 0 ? data : other])
  expect(await files[0]!.end).not.toBe(0)
  expect(files[0]!.err()).toMatch(/RANK_(MISMATCH|LOST): .*expected the (data|count) of rank 0/)
})

it('a killed rank ends the others with its name, and nothing is written', async () => {
  const words = () => ['retrieve', place('runs/one'), '--rows', 'all', '--out', place('lost')]
  const programs = await ranks(3, words)
  while (!programs[0]!.err().includes('loading') && programs[0]!.child.exitCode === null) await sleep(5)
  programs[1]!.child.kill('SIGKILL')
  const [first, , last] = await Promise.all(programs.map(({ end }) => end))
  expect([first, last], programs[0]!.err()).toEqual([5, 5])
  expect(programs[0]!.err()).toMatch(/^RANK_LOST: rank 1 [\s\S]*nothing was written: start all processes again/m)
  expect(existsSync(place('lost'))).toBe(false)
})

it('a program that a launcher starts may judge several times', async () => {
  const program = `import { basename } from 'node:path'
    import { evaluate, retrieve } from ${JSON.stringify(new URL('../../dist/lib/index.js', import.meta.url).href)}
    const o = { runs: [${JSON.stringify(place('runs/one'))}], out: ${JSON.stringify(place('several'))}, threads: 1 }
    for (let i = 0; i < 3; i++) {
      const { results } = await evaluate({ ...o, latency: 0 })
      await retrieve(o)
      process.stdout.write(basename(results.runs[0].run) + ' ')
    }`
  const shared = { WORLD_SIZE: '2', MASTER_ADDR: '127.0.0.1', MASTER_PORT: `${await freePort()}` }
  const ends = [0, 1].map(async (rank) => {
    const env = { ...process.env, ...own(), ...shared, RANK: `${rank}` }
    return (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { env })).stdout
  })
  expect(await Promise.all(ends)).toEqual(['one one one ', 'one one one '])
})

it('several processes refuse a function as predictor, and a device other than the CPU', async () => {
  const guess = { name: 'guess', predict: async (x: Float32Array) => x }
  const one = [place('runs/one')]
  expect(await refused('BAD_OPTION', evaluate({ runs: [guess as never], data, processes: 2 }))).toMatch(
    /only runs with "processes"/,
  )
  expect(await refused('DEVICE_UNAVAILABLE', evaluate({ runs: one, processes: 2, device: 'cuda' }))).toMatch(/for "device"/)
  expect(await refused('BAD_OPTION', evaluate({ runs: one, rankTimeout: 3 }))).toMatch(/no value without "processes"/)
})

it('results are written once, with the figures that are printed', () => {
  const written = JSON.parse(readFileSync(join(place('by-0'), 'validation_results.json'), 'utf8'))
  expect(written.runs).toHaveLength(1)
})
