import { resolve } from 'node:path'
import type { Dataset, Group } from 'h5wasm/node'
import { LvmError } from '../errors.js'
import type { Limits } from '../files/limits.js'
import { damaged, fileSize } from '../files/read-file.js'
import type { Column, Matrix, Table, Values } from './table.js'

type Hdf5 = typeof import('h5wasm/node')
type Module = Awaited<Hdf5['ready']>

/** Vectors that are read together. Units: elements. */
const TOGETHER = 1 << 20
/** Classes of types in HDF5. Source: H5Tpublic.h. */
const FLOAT = 1
/** Levels of groups, and datasets, that are looked at. */
const [DEEPEST, MOST] = [16, 10_000]

/** Loads the reader of HDF5, which is installed only where it is wanted. Errors: PACKAGE_MISSING. */
async function library(path: string): Promise<{ hdf5: Hdf5; module: Module }> {
  const name = 'h5wasm'
  let hdf5: Hdf5
  try {
    hdf5 = (await import(`${name}/node`)) as Hdf5
  } catch (cause) {
    throw new LvmError('PACKAGE_MISSING', `${path}: expected the package ${name}, which reads HDF5, but it is not installed`, {
      cause,
      hint: `run: npm install ${name}; or write the vectors as .npy, .npz or .parquet`,
    })
  }
  const module = await hdf5.ready
  module.activate_throwing_error_handler() // otherwise the library prints its errors
  return { hdf5, module }
}

/** All datasets below a group by their paths, without the first slash. */
function* datasetsIn(group: Group, prefix = '', depth = 0): Generator<[string, Dataset]> {
  if (depth === DEEPEST) return
  for (const key of group.keys()) {
    const found = group.get(key)
    const type = (found as { type?: string } | null)?.type
    if (type === 'Group') yield* datasetsIn(found as Group, `${prefix}${key}/`, depth + 1)
    else if (type === 'Dataset') yield [prefix + key, found as Dataset]
  }
}

const shapeOf = ({ metadata }: Dataset): readonly number[] => metadata.shape ?? []

function columnOf([name, dataset]: [string, Dataset]): Column | undefined {
  const shape = shapeOf(dataset)
  const { type, size } = dataset.metadata
  if (shape.length === 2 && type === FLOAT && [2, 4, 8].includes(size) && !shape.includes(0))
    return { name, kind: 'vectors', ...(size === 2 && { half: true }) }
  return shape.length === 1 ? { name, kind: 'value' } : undefined
}

/** Reads rows of float16, which the library has no numbers for, as bit patterns. */
function halfRows(module: Module, { file_id, path }: Dataset, at: number, count: number, dim: number): Uint16Array {
  const bytes = 2 * count * dim
  const place = module._malloc(bytes)
  try {
    const [shape, from, step] = [
      [count, dim],
      [at, 0],
      [1, 1],
    ].map((list) => list.map(BigInt)) as [bigint[], bigint[], bigint[]]
    module.get_dataset_data(file_id, path, shape, from, step, BigInt(place))
    return new Uint16Array(module.HEAPU8.slice(place, place + bytes).buffer) // the library has turned the byte order
  } finally {
    module._free(place)
  }
}

/** Does work of the library, whose errors become ours. Errors: DATA_FORMAT. */
function reading<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    const [why] = String(cause instanceof Error ? cause.message : cause).split('\n')
    throw damaged(path, `expected an HDF5 file but it cannot be read: ${why}`, cause)
  }
}

function datasetsOf({ File }: Hdf5, path: string): Map<string, Dataset> {
  const found = new Map<string, Dataset>()
  for (const [name, dataset] of datasetsIn(new File(resolve(path), 'r'))) if (found.size < MOST) found.set(name, dataset)
  return found
}

/** Errors: DATA_FORMAT for facts of another number of rows; DATA_UNSAFE for more vectors than a file of its size may hold. */
async function requireFitting(path: string, datasets: readonly (readonly [string, Dataset])[], rows: number, limits: Limits) {
  for (const [name, dataset] of datasets) {
    const [count] = shapeOf(dataset)
    if (count !== rows) throw damaged(path, `expected ${rows} values in "${name}", one for each vector, but it holds ${count}`)
    const { size, total_size } = dataset.metadata
    const bytes = await fileSize(path)
    if (size * total_size > limits.unpackedBytes + limits.unpackedRatio * bytes)
      throw new LvmError(
        'DATA_UNSAFE',
        `${path}: expected numbers that fit its ${bytes} bytes but "${name}" says it has ${total_size}`,
      )
  }
}

/**
 * Opens an HDF5 file: its matrices of floats are vectors, its lists facts about rows, by their paths without the first slash.
 *
 * Errors: PACKAGE_MISSING; DATA_FORMAT; DATA_UNSAFE.
 */
export async function hdf5Table(path: string, limits: Limits): Promise<Table> {
  const { hdf5, module } = await library(path)
  const datasets = reading(path, () => datasetsOf(hdf5, path))
  const columns = reading(path, () => [...datasets].map(columnOf).filter((column) => column !== undefined))
  async function* read(wanted: readonly string[]): AsyncGenerator<ReadonlyMap<string, Values>> {
    const all = wanted.map((name) => [name, datasets.get(name)!] as const)
    const [name, vectors] = all.find(([, dataset]) => shapeOf(dataset).length === 2)!
    const [rows, dim] = shapeOf(vectors) as [number, number]
    await requireFitting(path, all, rows, limits)
    const part = ([one, dataset]: readonly [string, Dataset], at: number, end: number): Values => {
      if (one !== name) return dataset.slice([[at, end]]) as ArrayLike<unknown>
      const isHalf = vectors.metadata.size === 2
      const values = isHalf ? halfRows(module, vectors, at, end - at, dim) : vectors.slice([[at, end], [0, dim]]) // biome-ignore format: one choice
      return { dim, values: values as Matrix['values'] }
    }
    const step = Math.max(1, Math.floor(TOGETHER / dim))
    for (let at = 0; at < rows; at += step)
      yield reading(path, () => new Map(all.map((one) => [one[0], part(one, at, Math.min(rows, at + step))])))
  }
  return { path, format: 'hdf5', columns, read }
}
