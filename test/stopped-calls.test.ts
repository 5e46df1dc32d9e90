import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import * as library from '../lib/index.js'
import { type Base, type Control, Encoder, type Moment } from '../lib/index.js'
import { smallLibtorch, unpack } from './bundle/unpacked.js'
import { refused } from './files/fixture.js'
import { expectStops } from './stops.js'
import { fakeHub } from './text/fake-hub.js'
import { tinyEncoder, writeTinyEncoder } from './text/tiny-encoder.js'
import { place, TINY, trained, vectorFile } from './train/runs.js'

let [run, data, pushed] = ['', '', '']
let [base, encoder]: [Base?, Encoder?] = []
const env = { LVM_TORCH_CACHE: place('cache'), LVM_TORCH_HUB: '' }

beforeAll(async () => {
  data = await vectorFile('base', { text: (row) => `sentence ${row}` })
  await trained({ ...TINY, model: 'lstm', data, name: 'stopped' })
  run = join(TINY.out, 'stopped')
  await library.report({ runs: TINY.out, out: place('evaluation') })
  pushed = `lance:${place('bank')}`
  await library.pushBank(data, pushed)
  vi.stubEnv('LVM_TORCH_LIBTORCH', smallLibtorch(place('libtorch')))
  await library.bundle({ runs: [run], out: place('app.tgz'), level: 1 })
  vi.unstubAllEnvs()
  unpack(place('app.tgz'), place('app'))
  const hub = await fakeHub(tinyEncoder())
  env.LVM_TORCH_HUB = hub.url
  await library.fetchEncoder({ name: 'us/small' }, { env })
  await hub.close()
  mkdirSync(place('texts'))
  writeFileSync(join(place('texts'), 'a.txt'), 'A dog runs over the road. A cat sleeps on the roof.')
  writeTinyEncoder(place('encoder'))
  await library.makeData({ texts: place('texts'), encoder: place('encoder'), out: place('made') })
  base = await library.openBase(place('made'))
  encoder = await Encoder.open(place('encoder'))
}, 120_000)

/** Each call with what it may not leave behind. */
const calls: [string, (control: Control) => Promise<unknown>, written?: string][] = [
  ['abtest', (control) => library.abtest({ runs: [run], latency: 0, out: place('out') }, control), 'out'],
  ['bankInfo', (control) => library.bankInfo(pushed, control)],
  ['checkSpace', (control) => library.checkSpace({ base: base!, encoder: encoder! }, control)],
  ['pushBank', (control) => library.pushBank(data, `lance:${place('other')}`, {}, control)],
  ['verify', (control) => library.verify({ report: join(place('evaluation'), 'report.json') }, control)],
  ['verifyBank', (control) => library.verifyBank(pushed, data, {}, control)],
  ['verifyBundle', (control) => library.verifyBundle(place('app'), {}, control)],
  ['verifyEncoder', (control) => library.verifyEncoder('us/small', { ...control, env })],
]

describe.each(calls)('%s', (_, call, written) => {
  it('stops at its first stage after an abort, and leaves no file', async () => {
    await expectStops(call)
    if (written !== undefined) expect(existsSync(place(written))).toBe(false)
  })
})

it('a push that was stopped goes on where it ended, and nobody can search the bank before that', async () => {
  const url = `lance:${place('begun')}`
  const controller = new AbortController()
  const onProgress = ({ open }: Moment) => open.at(-1)?.stage === 'push the rows' && controller.abort()
  await refused('INTERRUPTED', library.pushBank(data, url, {}, { signal: controller.signal, onProgress }))
  await refused('BANK_UNFINISHED', library.verifyBank(url, data))
  expect(await library.pushBank(data, url)).toMatchObject({ rows: 288, pushed: 288 })
})
