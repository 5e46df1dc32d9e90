import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, it } from 'vitest'
import { verifyRun } from '../../lib/checkpoint/run-store.js'
import { freePort } from './free-port.js'
import { lvm, type Program } from './programs.js'
import { expectSameHistory } from './ranks.js'
import { place, TINY, trained, vectorFile } from './runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('base')
})
const WORDS = [
  'train',
  'gru',
  '--preset',
  'tiny',
  '--batch-size',
  '16',
  '--threads',
  '1',
  '--out',
  place('runs'),
  '--rank-timeout',
]

/** Starts the ranks of one training with the variables that a launcher sets; `own` are further words of one rank. */
async function ranks(
  size: number,
  name: string,
  words: readonly string[],
  own: Record<number, string[]> = {},
  variables: Record<number, Record<string, string>> = {},
): Promise<Program[]> {
  const env = { WORLD_SIZE: `${size}`, MASTER_ADDR: '127.0.0.1', MASTER_PORT: `${await freePort()}` }
  return Array.from({ length: size }, (_, rank) => {
    const all = [...WORDS, ...words, '--data', data, '--name', name, ...(own[rank] ?? [])]
    return lvm({ cwd: place(''), env: { ...env, RANK: `${rank}`, ...variables[rank] } }, ...all)
  })
}

/** Waits for the first save of a training without end. */
async function running(name: string, [first]: readonly Program[]): Promise<string> {
  const run = join(place('runs'), name)
  while (!existsSync(join(run, 'manifest.json')) && first!.child.exitCode === null) await sleep(50)
  await sleep(500)
  return run
}

it('ranks that a launcher starts train as one process does, and only rank 0 prints and saves', async () => {
  const programs = await ranks(2, 'launched', ['30', '--epochs', '2', '--json'])
  expect(await Promise.all(programs.map(({ end }) => end)), programs.map((each) => each.err()).join()).toEqual([0, 0])
  const [first, second] = programs as [Program, Program]
  expect(first.out()).toMatch(/"type":"result"/)
  expect(second.out() + second.err()).toBe('')
  await trained({ ...TINY, model: 'gru', data, name: 'single' })
  expectSameHistory(place('runs/launched'), place('runs/single'))
})

it.each([0, 1])('ranks of which number %i cannot share memory talk over the network', async (rank) => {
  const variables = { [rank]: { LVM_TORCH_SHARED_MEMORY: '0' } }
  const programs = await ranks(2, `apart-${rank}`, ['30', '--epochs', '1'], {}, variables)
  expect(await Promise.all(programs.map(({ end }) => end)), programs.map((each) => each.err()).join()).toEqual([0, 0])
  await trained({ ...TINY, model: 'gru', data, name: `together-${rank}`, epochs: 1 })
  expectSameHistory(place(`runs/apart-${rank}`), place(`runs/together-${rank}`))
})

it('a rank with other options is refused before the first step, and rank 0 names it', async () => {
  const programs = await ranks(2, 'other', ['30', '--epochs', '2'], { 1: ['--lr', '0.1'] })
  expect(await Promise.all(programs.map(({ end }) => end))).toEqual([2, 2])
  expect(programs[0]!.err()).toMatch(/^RANK_MISMATCH: .*the same options on every rank but rank 1 differs/m)
  expect(programs[1]!.err()).toBe('')
})

it('a killed rank ends the others, whose checkpoint is whole', async () => {
  const programs = await ranks(3, 'killed', ['30', '--epochs', '9999'])
  const run = await running('killed', programs)
  programs[1]!.child.kill('SIGKILL')
  const [first, , last] = await Promise.all(programs.map(({ end }) => end))
  expect([first, last]).toEqual([5, 5])
  expect(programs[0]!.err()).toMatch(/^RANK_LOST: rank 1 .*last seen .*; rank 0 was /m)
  expect(programs[2]!.err()).toBe('')
  await verifyRun(run)
})

it('a rank that hangs is named after the time-out', async () => {
  const programs = await ranks(2, 'hung', ['3', '--epochs', '9999'])
  await running('hung', programs)
  programs[1]!.child.kill('SIGSTOP')
  expect(await programs[0]!.end).toBe(5)
  programs[1]!.child.kill('SIGKILL')
  expect(programs[0]!.err()).toMatch(/^RANK_LOST: rank 1 /m)
})

it('Ctrl-C stops all processes after the same step with a checkpoint', async () => {
  const one = lvm(place(''), ...WORDS, '30', '--epochs', '9999', '--data', data, '--name', 'stopped', '--processes', '2')
  const run = await running('stopped', [one])
  one.child.kill('SIGINT')
  expect(await one.end, one.err()).toBe(130)
  expect(one.err()).toMatch(/resume with: .*--processes 2 --resume/)
  await verifyRun(run)
})
