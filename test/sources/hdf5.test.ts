import { File, ready } from 'h5wasm/node'
import { expect, it, vi } from 'vitest'
import { openBase } from '../../lib/data/open.js'
import { DEFAULT_LIMITS } from '../../lib/files/limits.js'
import { hdf5Table } from '../../lib/sources/hdf5-table.js'
import { numbers, opened, refused, scratch } from '../files/fixture.js'

const [ROWS, DIM] = [50, 4]
const flat = Float32Array.from({ length: ROWS * DIM }, (_, i) => Math.sin(i + 1))
const articles = Array.from({ length: ROWS }, (_, i) => `a ${Math.floor(i / 10)}`)
const positions = BigInt64Array.from({ length: ROWS }, (_, i) => BigInt(i % 10))

/** Writes an HDF5 file. */
async function hdf5(name: string, fill: (file: File) => void): Promise<string> {
  await ready
  const path = scratch(name)
  const file = new File(path, 'w')
  fill(file)
  file.close()
  return path
}
const matrix = { data: flat, shape: [ROWS, DIM] }

it('an HDF5 file gives the rows, articles, positions and content hash of the same rows in memory', async () => {
  const path = await hdf5('rows.h5', (file) => {
    const group = file.create_group('train')
    group.create_dataset({ name: 'vectors', ...matrix, chunks: [7, DIM], compression: 'gzip' })
    group.create_dataset({ name: 'article_id', data: articles })
    group.create_dataset({ name: 'index', data: positions })
    file.create_dataset({ name: 'article_id', data: ['of another group'] })
  })
  const memory = await openBase({ vectors: flat, articles, positions: Array.from(positions, Number) })
  await opened(path, async (base) => {
    expect(base).toMatchObject({ rows: ROWS, dim: DIM, dtype: 'float32', path })
    expect(await base.contentHash()).toBe(await memory.contentHash())
    expect(base.articles!.ids).toEqual(['a 0', 'a 1', 'a 2', 'a 3', 'a 4'])
    expect(base.positions![13]).toBe(3)
  })
  memory.dispose()
})
it('FILE#/path and --vectors choose one of several matrices', async () => {
  const path = await hdf5('several.hdf5', (file) => {
    file.create_dataset({ name: 'first', ...matrix })
    file
      .create_group('deep')
      .create_group('er')
      .create_dataset({ name: 'second', data: Float64Array.from(flat, (x) => 2 * x), shape: [ROWS, DIM] })
    file.create_dataset({ name: 'labels', data: new Int32Array(ROWS) })
  })
  expect(await refused('BAD_OPTION', openBase(path))).toMatch(/"deep\/er\/second", "first"/)
  for (const chosen of [openBase(`${path}#/deep/er/second`), openBase(path, { vectors: 'deep/er/second' })]) {
    const base = await chosen
    expect((await numbers(base.vectors))[9]).toBeCloseTo(2 * flat[9]!, 6)
    base.dispose()
  }
  expect(await refused('BAD_OPTION', openBase(`${path}#/none`))).toMatch(/"none"/)
})
it('a damaged or foreign file, facts of another number of rows, and a file without vectors are refused', async () => {
  expect(await refused('DATA_FORMAT', openBase(scratch('noise.h5', 'no HDF5 at all')))).toMatch(/noise\.h5/)
  const short = await hdf5('short.h5', (file) => {
    file.create_dataset({ name: 'vectors', ...matrix })
    file.create_dataset({ name: 'article_id', data: ['a', 'b'] })
  })
  expect(await refused('DATA_FORMAT', openBase(short))).toMatch(/expected 50 values in "article_id"/)
  const none = await hdf5('none.h5', (file) => file.create_dataset({ name: 'labels', data: new Int32Array(3) }))
  expect(await refused('DATA_SHAPE', openBase(none))).toMatch(/"labels"/)
  const nan = await hdf5('nan.h5', (file) =>
    file.create_dataset({ name: 'v', data: new Float32Array(8).fill(Number.NaN), shape: [2, 4] }),
  )
  expect(await refused('DATA_NOT_FINITE', openBase(nan))).toMatch(/nan\.h5/)
  await refused('FILE_MISSING', openBase(scratch('absent.h5')))
  const huge = await hdf5('huge.h5', (file) =>
    file
      .create_dataset({ name: 'v', data: flat, shape: [ROWS, DIM], maxshape: [null, DIM], chunks: [7, DIM] })
      .resize([100_000_000, DIM]),
  )
  expect(await refused('DATA_UNSAFE', openBase(huge))).toMatch(/says it has 400000000/)
})
it('without the package h5wasm the error says how to install it', async () => {
  vi.doMock('h5wasm/node', () => {
    throw new Error('Cannot find package')
  })
  const error = await hdf5Table(scratch('any.h5', 'x'), DEFAULT_LIMITS).catch((thrown) => thrown)
  expect(error).toMatchObject({ code: 'PACKAGE_MISSING', hint: expect.stringContaining('npm install h5wasm') })
  vi.doUnmock('h5wasm/node')
})
