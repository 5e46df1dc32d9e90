import { closeSync, openSync, renameSync, truncateSync, utimesSync, writeFileSync, writeSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openBase } from '../../lib/data/open.js'
import { sha256 } from '../../lib/files/hash.js'
import { native } from '../../lib/native.js'
import { Tensor } from '../../lib/torch/tensor.js'
import { bytesOf, npy, refused, scratch } from '../files/fixture.js'

const DIM = 16
/** A file of constant rows; 524,288 or more rows are memory-mapped. */
const file = (name: string, rows: number) =>
  scratch(name, npy('<f4', [rows, DIM], bytesOf(new Float32Array(rows * DIM).fill(0.25))))
const LARGE = 600_000
/** Overwrites a part of a file in place. */
function rewrite(path: string, at = 1 << 20): void {
  const open = openSync(path, 'r+')
  writeSync(open, new Float32Array(1000).fill(0.5), 0, 4000, at)
  closeSync(open)
  utimesSync(path, new Date(), new Date(Date.now() + 1000)) // file systems have coarse clocks
}

describe.skipIf(process.platform === 'win32')('a mapped file', () => {
  it.each([
    ['to its header', 4096],
    ['to nothing', 0],
    ['in the middle of a page', 20_000_123],
    ['by its last row', LARGE * DIM * 4 + 128 - 4 * DIM],
  ])('a mapped file cut %s fails with DATA_CHANGED and never ends the process', async (_, left) => {
    const path = file('cut.npy', LARGE)
    const base = await openBase(path)
    expect(base.mapped).toBe(true)
    truncateSync(path, left)
    expect(await refused('DATA_CHANGED', base.vectors.op('aten::sum'))).toContain('cut.npy')
    expect(await refused('DATA_CHANGED', (async () => native.rowNorms(base.vectors.native))())).toContain('cut')
    base.dispose()
    using other = Tensor.from([1, 2])
    expect(await (await other.op('aten::sum')).item()).toBe(3)
  })
  it('a mapped file that is cut during work fails with DATA_CHANGED at the end of that work', async () => {
    const path = file('under.npy', LARGE)
    const base = await openBase(path)
    const works = Array.from({ length: 6 }, () => base.vectors.op('aten::sort').then((t) => void t)) // the file is whole while they are queued
    truncateSync(path, 4096)
    const ended = await Promise.allSettled(works.map((work) => work.catch(({ code }) => Promise.reject(code))))
    expect(ended.filter(({ status }) => status === 'rejected').map((one) => (one as PromiseRejectedResult).reason)).toContain(
      'DATA_CHANGED',
    )
    base.dispose()
  })
  it('a mapped file that is written to fails with DATA_CHANGED at the next block', async () => {
    const path = file('written.npy', LARGE)
    const base = await openBase(path)
    const rows = Int32Array.from({ length: 100 }, (_, i) => i)
    const samples = native.samples(
      base.vectors.native,
      null,
      rows,
      rows.map((i) => i + 5),
      5,
    )
    rewrite(path)
    expect(await base.changed!()).toBe(true)
    expect(await refused('DATA_CHANGED', base.vectors.op('aten::sum'))).toContain('written to')
    native.dispose(samples)
    base.dispose()
  })
  it('a mapped file that is replaced by another stays the opened one', async () => {
    const path = file('replaced.npy', LARGE)
    const base = await openBase(path)
    renameSync(file('next.npy', 10), path)
    expect(await (await base.vectors.op('aten::sum')).item()).toBe(LARGE * DIM * 0.25)
    expect(await base.changed!()).toBe(false)
    base.dispose()
  })
  it('disposing a tensor unmaps its file, so that many can be mapped in turn', async () => {
    const path = file('many.npy', LARGE)
    for (let i = 0; i < 50; i++) Tensor.map(path, { offset: 128, shape: [LARGE, DIM], dtype: 'float32' }).dispose()
    using views = Tensor.map(path, { offset: 128, shape: [LARGE, DIM], dtype: 'float32' })
    using part = await views.op('aten::narrow', 0, 10, 5)
    views.dispose()
    rewrite(path)
    expect(await refused('DATA_CHANGED', part.op('aten::sum'))).toContain('many.npy')
  })
})

it('the base of a small file stays equal when the file is cut or written to, and reports the change', async () => {
  const path = file('small.npy', 1000)
  const base = await openBase(path)
  expect(base.mapped).toBe(false)
  expect(await base.changed!()).toBe(false)
  truncateSync(path, 200)
  expect(await (await base.vectors.op('aten::sum')).item()).toBe(4000)
  expect(await base.changed!()).toBe(true)
  base.dispose()
})

it('a file that changes while it is opened fails with DATA_CHANGED or as damaged, and never opens with another hash', async () => {
  for (let round = 0; round < 10; round++) {
    const path = file('opening.npy', 100_000)
    const before = await sha256(path)
    const opening = openBase(path).then(
      (base) => base,
      ({ code }) => code as string,
    )
    setTimeout(() => rewrite(path), 4 * round)
    const base = await opening
    if (typeof base === 'string') expect(['DATA_CHANGED', 'DATA_FORMAT']).toContain(base)
    else {
      await new Promise((done) => setTimeout(done, 100))
      // The change may come before the file is first read: then hash and rows are both the new ones.
      const sum = base.hash === before ? 400_000 : 400_250
      expect([before, await sha256(path)]).toContain(base.hash)
      expect(await (await base.vectors.op('aten::sum')).item()).toBe(sum)
      base.dispose()
    }
    writeFileSync(path, '')
  }
})
