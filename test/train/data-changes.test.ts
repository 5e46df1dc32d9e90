import { closeSync, existsSync, openSync, renameSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { verifyRun } from '../../lib/checkpoint/run-store.js'
import { LvmError } from '../../lib/errors.js'
import { type TrainEvent, train } from '../../lib/index.js'
import { manifestOf, place, vectorFile } from './runs.js'

const rewrite = (path: string) => {
  const file = openSync(path, 'r+')
  for (let at = 128; at < 128 + 4e6; at += 4000) writeSync(file, new Float32Array(1000).fill(0.03), 0, 4000, at)
  closeSync(file)
}

/** Trains and changes the data after the second save; returns the events and the final error. */
async function trained(name: string, data: string, change: (path: string) => void) {
  const events: TrainEvent[] = []
  const options = {
    model: 'lstm',
    data,
    preset: 'tiny',
    epochs: 6,
    batchSize: 32,
    maxWindows: 256,
    threads: 1,
    name,
    out: place('m'),
  } as const
  try {
    for await (const event of train({ ...options, force: true })) {
      events.push(event)
      if (events.filter(({ type }) => type === 'saved').length === 2 && event.type === 'saved') change(data)
    }
    return { events, error: undefined }
  } catch (error) {
    expect(error).toBeInstanceOf(LvmError)
    return { events, error: error as LvmError }
  }
}

it.each([
  ['cut short', (path: string) => truncateSync(path, 100_000)],
  ['written again in its place', rewrite],
])(
  'a training whose memory-mapped data is %s ends with DATA_CHANGED, and its last save is intact',
  { timeout: 120_000 },
  async (how, change) => {
    const data = await vectorFile('large', { articles: 90, length: 100, dim: 1024 })
    const { error } = await trained(`run-${how.length}`, data, change)
    expect(error).toMatchObject({ code: 'DATA_CHANGED', exit: 3 })
    const run = join(place('m'), `run-${how.length}`)
    await verifyRun(run)
    expect(manifestOf(run).progress!.finished).toBe(false)
  },
)

it('a training whose small data file is rewritten continues with the data it read, and warns', async () => {
  const data = await vectorFile('small', { articles: 30, length: 24, dim: 16 })
  const { events, error } = await trained('small', data, (path) => {
    const file = openSync(path, 'r+')
    writeSync(file, new Float32Array(16).fill(0.25), 0, 64, 128)
    closeSync(file)
  })
  expect(error).toBeUndefined()
  const told = events.find((event) => event.type === 'warning' && event.code === 'DATA_CHANGED')
  expect(told).toMatchObject({ message: expect.stringContaining(manifestOf(join(place('m'), 'small')).data!.hash) })
})

it('a training whose data file is replaced by another continues without a warning', async () => {
  const data = await vectorFile('moved', { articles: 90, length: 100, dim: 1024 })
  const { events, error } = await trained('moved', data, (path) => renameSync(path, `${path}.old`))
  expect(error).toBeUndefined()
  expect(existsSync(data)).toBe(false)
  expect(events.filter((event) => event.type === 'warning' && event.code === 'DATA_CHANGED')).toEqual([])
}, 120_000)
