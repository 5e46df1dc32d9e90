import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { type TrainControl, type TrainEvent, type TrainOptions, train } from '../../lib/index.js'
import { refused } from '../files/fixture.js'
import { listen, type Shown } from './event-stream.js'
import { freePort } from './free-port.js'
import { eventsOf, lvm } from './programs.js'
import { nth, place, resultOf, TINY, trained, vectorFile } from './runs.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('base')
})

/** Trains with a page, and calls `at` with its address at every event. */
async function watched(options: TrainOptions, control: TrainControl, at: (event: TrainEvent, url: string) => unknown) {
  const events: TrainEvent[] = []
  for await (const event of train(options, { watch: true, ...control })) {
    events.push(event)
    await at(event, (events[0] as { url: string }).url)
  }
  return events
}
const linesOf = (name: string, type: string): Record<string, number>[] =>
  readFileSync(join(TINY.out, name, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter((line) => line.type === type)
const STEP = ['step', 'epoch', 'loss', 'lr', 'grad_norm', 'samples_per_second', 'seconds']
const EPOCH = ['epoch', 'step', 'train_loss', 'val_loss', 'train_cosine', 'val_cosine', 'lr', 'samples_per_second']
const pick = (rows: readonly Record<string, unknown>[], keys: readonly string[]) =>
  rows.map((row) => Object.fromEntries(keys.map((key) => [key, row[key]])))

function expectFiguresOf(name: string, { steps, epochs }: Shown): void {
  expect(pick(steps, STEP)).toEqual(pick(linesOf(name, 'step'), STEP))
  expect(pick(epochs, EPOCH)).toEqual(pick(linesOf(name, 'epoch'), EPOCH))
}

describe('the page of a training', () => {
  it('a page that is open from the start and one that opens late have the figures of metrics.jsonl', async () => {
    const pages: Awaited<ReturnType<typeof listen>>[] = []
    const own: TrainControl = { onEpoch: ({ val_cosine }, { log }) => log({ 'own/cosine': val_cosine }) }
    const events = await watched({ ...TINY, model: 'lstm', data, name: 'seen', logEvery: 1 }, own, async (event, url) => {
      if (event.type === 'watch' || (event.type === 'epoch' && event.epoch === 2)) pages.push(await listen(url))
      if (event.type === 'epoch') await sleep(260) // a message is sent every 250 ms
    })
    expect(events[0]).toEqual({ version: 1, type: 'watch', url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/$/) })
    await Promise.all(pages.map(({ ended }) => ended))
    expect(pages[0]!.messages()).toBeGreaterThan(3)
    for (const { shown } of pages) {
      expectFiguresOf('seen', shown)
      const { best_epoch, val_loss } = resultOf(events) as { best_epoch: number; val_loss: number }
      const best = expect.objectContaining({ epoch: best_epoch, val_loss })
      expect(shown.training).toMatchObject({ state: 'finished', stopped: 'done', name: 'seen', epochs: 2, best, seconds_left: 0 })
      expect(shown.own['own/cosine']!.map(({ value }) => value)).toEqual(shown.epochs.map(({ val_cosine }) => val_cosine))
    }
  })

  it('the page of a resumed run has the curves from the first step on, and those of the steps that it repeats once', async () => {
    const options = { ...TINY, model: 'gru', data, name: 'resumed', logEvery: 1 } as const
    await trained({ ...options, saveEvery: 3 }, nth('step', 20))
    let page: Awaited<ReturnType<typeof listen>> | undefined
    let atOnce = 0
    await watched({ ...options, resume: true }, {}, async (event, url) => {
      if (event.type !== 'start') return
      page = await listen(url)
      while (page.messages() === 0) await sleep(5)
      atOnce = page.shown.steps.length
    })
    await page!.ended
    expect(atOnce).toBeGreaterThan(10)
    expectFiguresOf('resumed', page!.shown)
  })

  it('the page tells the error of a training, and one that its caller leaves is stopped', async () => {
    const options = { ...TINY, model: 'lstm', data, logEvery: 1 } as const
    const pages: Awaited<ReturnType<typeof listen>>[] = []
    const opened = async (event: TrainEvent, url: string) => event.type === 'watch' && pages.push(await listen(url))
    const onStep = () => Promise.reject(new Error('mine'))
    const message = await refused('BAD_OPTION', watched({ ...options, name: 'failed' }, { onStep }, opened))
    for await (const event of train({ ...options, name: 'left' }, { watch: true })) {
      if (event.type === 'watch') pages.push(await listen(event.url))
      if (event.type === 'step') break
    }
    await Promise.all(pages.map(({ ended }) => ended))
    const [failed, left] = pages.map(({ shown }) => shown.training)
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'BAD_OPTION', message, hint: expect.any(String) } })
    expect(left).toMatchObject({ state: 'stopped' })
  })

  it('a port in use and a wrong port are refused before the training', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((done) => server.once('listening', done))
    const { port } = server.address() as AddressInfo
    const options = { ...TINY, model: 'lstm', data, name: 'refused' } as const
    const start = (watch: unknown) => watched(options, { watch } as TrainControl, () => {})
    expect(await refused('BAD_OPTION', start({ port }))).toContain(`port ${port} of 127.0.0.1 is in use`)
    for (const wrong of ['yes', { port: 65_536 }, { port: '80' }, { host: '0.0.0.0' }, [80]])
      expect(await refused('BAD_OPTION', start(wrong))).toContain('"watch"')
    expect(existsSync(join(TINY.out, 'refused'))).toBe(false)
    server.close()
  })
})

describe('train --watch', () => {
  it('train --watch prints the address on stderr, and Ctrl-C ends training and page', async () => {
    const cwd = place('work')
    mkdirSync(cwd)
    const words = ['train', 'lstm', '--data', data, '--preset', 'tiny', '--epochs', '500', '--threads', '1', '--watch']
    const program = lvm(cwd, ...words, '--name', 'stopped')
    await program.says(/^ +1 +0\.\d+/m) // the row of the first epoch
    const url = /^watch the training at (\S+)$/m.exec(program.err())![1]!
    expect(program.out()).not.toContain(url)
    const page = await listen(url)
    program.child.kill('SIGINT')
    expect(await program.end).toBe(130)
    await page.ended
    expect(page.shown.training).toMatchObject({ state: 'stopped', stopped: 'interrupted' })
    expect(page.shown.epochs.length).toBeGreaterThan(1)
    await expect(fetch(url)).rejects.toThrow()
  })

  it('two seeds are shown at one address; --json tells it as an event', async () => {
    const port = await freePort()
    const words = [
      'train',
      'lstm',
      '--data',
      data,
      '--preset',
      'tiny',
      '--epochs',
      '1',
      '--threads',
      '1',
      '--seeds',
      '2',
      '--json',
    ]
    const program = lvm(place('.'), ...words, '--watch-port', String(port))
    expect(await program.end).toBe(0)
    const url = `http://127.0.0.1:${port}/`
    expect(eventsOf(program).filter(({ type }) => type === 'watch')).toEqual([
      { version: 1, type: 'watch', url },
      { version: 1, type: 'watch', url },
    ])
  })

  it('with several processes only the first one serves the page', async () => {
    const port = await freePort()
    const options = { ...TINY, model: 'lstm', data, processes: 2, name: 'ranks', epochs: 1 } as const
    let page: Awaited<ReturnType<typeof listen>> | undefined
    await watched(options, { watch: { port } }, async (event, url) => {
      if (event.type === 'watch') page = await listen(url)
    })
    await page!.ended
    expect(page!.shown.training.state).toBe('finished')
  })

  it('a watch port without effect is refused', async () => {
    const program = lvm(place('.'), 'train', 'lstm', '--data', data, '--no-watch', '--watch-port', '80')
    expect(await program.end).toBe(2)
    expect(program.err()).toContain('"watch-port"')
  })
})
