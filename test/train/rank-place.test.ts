import { expect, it } from 'vitest'
import { firstHost, isRestart, rankPlace } from '../../lib/ranks/rank-place.js'

const TORCHRUN = { RANK: '1', WORLD_SIZE: '4', LOCAL_RANK: '1', MASTER_ADDR: 'node7', MASTER_PORT: '29500' }

it('a process without a launcher, or alone in its group, has no rank', () => {
  expect(rankPlace({})).toBeUndefined()
  expect(rankPlace({ RANK: '0' })).toBeUndefined()
  expect(rankPlace({ RANK: '0', WORLD_SIZE: '1' })).toBeUndefined()
})

it('the variables of torchrun name rank, size and store; its agent runs the store, and a restart reads other keys', () => {
  expect(rankPlace(TORCHRUN)).toEqual({
    rank: 1,
    size: 4,
    address: 'node7',
    port: 29_500,
    serve: false,
    prefix: 'lvm-torch//0',
  })
  expect(rankPlace({ ...TORCHRUN, RANK: '0' })?.serve).toBe(true)
  const elastic = { ...TORCHRUN, RANK: '0', TORCHELASTIC_USE_AGENT_STORE: 'True', TORCHELASTIC_RUN_ID: 'job' }
  expect(rankPlace(elastic)).toMatchObject({ serve: false, prefix: 'lvm-torch/job/0' })
  expect(rankPlace({ ...elastic, TORCHELASTIC_RESTART_COUNT: '2' })?.prefix).toBe('lvm-torch/job/2')
  expect([isRestart(elastic), isRestart({ ...elastic, TORCHELASTIC_RESTART_COUNT: '2' })]).toEqual([false, true])
})

it('the variables of srun name rank, size and the first host of the step; the script of a batch job is no rank', () => {
  const job = {
    SLURM_PROCID: '3',
    SLURM_NTASKS: '8',
    SLURM_LOCALID: '1',
    SLURM_JOB_NODELIST: 'gpu[07-10,12]',
    SLURM_JOB_ID: '45123',
  }
  expect(rankPlace(job)).toBeUndefined()
  expect(rankPlace({ ...job, SLURM_STEP_ID: '0' })).toEqual({
    rank: 3,
    size: 8,
    address: 'gpu07',
    port: 25_123,
    serve: false,
    prefix: 'lvm-torch/45123/0',
  })
  expect(rankPlace({ ...job, SLURM_STEP_ID: '0', MASTER_ADDR: 'head', MASTER_PORT: '4000' })).toMatchObject({
    address: 'head',
    port: 4000,
  })
})

it.each([
  ['node1', 'node1'],
  ['node1,node2', 'node1'],
  ['a-[3,5-9]', 'a-3'],
  ['r[01-02]n[1-4],x', 'r01n[1-4]'],
])('the first host of %s is found', (list, host) => {
  expect(firstHost(list)).toBe(host)
})

it.each([
  [{ ...TORCHRUN, RANK: '4' }, '"RANK" but received "4"'],
  [{ ...TORCHRUN, WORLD_SIZE: 'two' }, '"WORLD_SIZE" but received "two"'],
  [{ ...TORCHRUN, MASTER_PORT: undefined }, '"MASTER_PORT" but received undefined'],
  [{ ...TORCHRUN, MASTER_ADDR: undefined }, 'expected MASTER_ADDR'],
])('wrong variables are refused by name', (env, message) => {
  expect(() => rankPlace(env)).toThrow(expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(message) }))
})
