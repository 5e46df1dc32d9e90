import { describe, expect, it } from 'vitest'
import { bar, closing, header, progress, row } from '../../bin/progress.js'
import type { TrainEvent } from '../../lib/index.js'

const epoch = (n: number, best = false) =>
  ({
    type: 'epoch',
    version: 1,
    epoch: n,
    epochs: 20,
    best,
    train_loss_running: n === 0 ? null : 0.00061,
    train_loss: 0.000598,
    train_cosine: 0.71,
    val_loss: 0.000612,
    val_cosine: 0.7034,
    lr: 5e-4,
    grad_norm: n === 0 ? null : 0.0123,
    output_norm_mean: 1,
    output_norm_sd: 0.1,
    seconds: 12.34,
    samples_per_second: 12345.6,
    peak_memory_bytes: 1e8,
  }) as Extract<TrainEvent, { type: 'epoch' }>
const step = (n: number) =>
  ({
    type: 'progress',
    version: 1,
    epoch: 1,
    epochs: 20,
    step: n,
    steps: 100,
    loss: 0.0005,
    lr: 5e-4,
    samples_per_second: 9000,
    seconds_left: 65,
  }) as const

function screen(live: boolean, columns = 120, colour = false) {
  const written: string[] = []
  let time = 0
  const show = progress({ write: (t) => void written.push(t), live, columns: () => columns, colour }, () => time)
  const wait = (ms: number) => {
    time += ms
  }
  return { show, written, wait }
}

it.each([60, 80, 100])('the table of epochs fits %i columns and keeps loss, cosine and time', (columns) => {
  for (const text of [header(epoch(1), columns), row(epoch(1), columns)]) expect(text.length).toBeLessThan(columns)
  for (const title of ['epoch', 'val loss', 'val cosine', 'seconds']) expect(header(epoch(1), columns)).toContain(title)
  expect(header(epoch(1), 200)).toBe(header(epoch(1)))
})

describe('bar', () => {
  it('the bar shows every figure and fills with the epoch', () => {
    const text = bar(step(50), 0.7034, 120)
    expect(text).toContain('epoch 1/20')
    expect(text).toContain(' 50 %  loss 0.000500  cosine 0.7034  lr 5.0e-4  9,000/s  1 min 05 s left')
    expect(text.match(/█/g)).toHaveLength(12)
    expect(text.match(/░/g)).toHaveLength(12)
  })
  it.each([20, 40, 80, 100, 200])('the bar leaves the last of %i columns empty', (columns) => {
    for (const n of [0, 33, 100]) expect(bar(step(n), 0.7, columns).length).toBeLessThan(columns)
  })
  it('the bar has no cosine before the first epoch ends, and accepts an epoch without steps', () => {
    expect(bar({ ...step(0), steps: 0 }, undefined, 120)).not.toContain('cosine')
  })
})

describe('row', () => {
  it('the row of an epoch is aligned with its titles, with a dash for a missing figure', () => {
    expect(header(epoch(0))).toBe('epoch  train loss   val loss  val cosine       lr  grad norm  seconds  samples/s  best')
    expect(row(epoch(12, true))).toBe('   12    0.000598   0.000612      0.7034   5.0e-4    1.23e-2     12.3     12,346     ★')
    expect(row(epoch(0))).toBe('    0    0.000598   0.000612      0.7034   5.0e-4          –     12.3     12,346')
  })
  it('the row of an epoch names the better weights when they are averaged', () => {
    const averaged = { ...epoch(1, true), weights: 'average' as const }
    expect(header(averaged)).toMatch(/samples\/s {2}weights {2}best$/)
    expect(row(averaged)).toMatch(/12,346 {2}average {5}★$/)
  })
})

describe('on a terminal', () => {
  it('on a terminal the progress line is redrawn at most ten times a second', () => {
    const { show, written, wait } = screen(true)
    for (let i = 0; i < 1000; i++) {
      show(step(i % 100))
      wait(1)
    }
    expect(written).toHaveLength(10)
    expect(written.every((t) => t.startsWith('\r') && !t.includes('\n'))).toBe(true)
  })
  it('on a terminal the finished row replaces the bar, under one header', () => {
    const { show, written } = screen(true)
    show(epoch(0))
    show(step(1))
    show(epoch(1, true))
    expect(written[0]).toBe(`${header(epoch(0))}\n`)
    expect(written.at(-1)).toBe(`\r\x1b[K${row(epoch(1, true))}\n`)
    expect(written.filter((t) => t.includes('train loss'))).toHaveLength(1)
  })
  it('progress is coloured only on a screen with colour', () => {
    for (const colour of [true, false]) {
      const { show, written } = screen(true, 120, colour)
      show(epoch(1, true))
      expect(written.join('').includes('\x1b[32m')).toBe(colour)
    }
  })
})

describe('without a terminal', () => {
  it('without a terminal progress prints every epoch and one step every 30 s as plain lines', () => {
    const { show, written, wait } = screen(false, 20)
    for (let i = 0; i < 70; i++) {
      show(step(i))
      wait(1000)
    }
    show(epoch(1))
    show({ type: 'warning', version: 1, code: 'NORMS', message: 'norms differ' })
    expect(written).toHaveLength(5)
    expect(written[0]).toMatch(/^epoch 1\/20 .* left\n$/)
    for (const control of ['\r', '\x1b']) expect(written.join('')).not.toContain(control)
  })
})

const end = {
  type: 'result',
  version: 1,
  run: 'r',
  model: 'm',
  stopped: 'done',
  best_epoch: 1,
  val_loss: 1e-3,
  val_cosine: 0.7,
  seconds: 9,
} as const

it('the last line of a training that went on says that its time is that of all sessions', () => {
  expect(closing(end, true)).toMatch(/^done after 9\.0 s, all sessions together · best epoch 1/)
  expect(closing(end, false)).toMatch(/^done after 9\.0 s · best epoch 1/)
})

describe('timings of a busy machine', () => {
  it.each([
    [[0.99, 0.5], '12.3*', '* measured on a busy machine: this process got 50 % of the processor time that it was ready to use'],
    [[0.99, null], '12.3 ', undefined],
  ])('epochs with the shares %j end in %j and the note %j', (shares, cell, note) => {
    const { show, written } = screen(false)
    for (const [i, cpu_share] of shares.entries()) show({ ...epoch(i), cpu_share })
    show(end)
    const text = written.join('')
    expect(text.split('\n')[2]).toContain(cell)
    expect(text.split('\n').find((line) => line.startsWith('*'))).toBe(note)
  })
})
