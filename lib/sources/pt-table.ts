import type { Limits } from '../files/limits.js'
import { keyText } from '../files/plain.js'
import { isTensorEntry, openPt, type TensorEntry } from '../files/pt.js'
import { damaged } from '../files/read-file.js'
import { readTensor } from '../torch/read-tensor.js'
import type { Tensor } from '../torch/tensor.js'
import type { Column, Matrix, Table, Values } from './table.js'

/** Vectors that are read together. Units: elements. */
const TOGETHER = 1 << 20
const FLOATS: readonly string[] = ['float16', 'bfloat16', 'float32', 'float64']

type Held = TensorEntry | readonly unknown[]

const isVectors = (value: unknown): value is TensorEntry =>
  isTensorEntry(value) && value.shape.length === 2 && !value.shape.includes(0) && FLOATS.includes(value.dtype)
const isPerRow = (value: unknown): value is Held => Array.isArray(value) || (isTensorEntry(value) && value.shape.length === 1)

/** The named values of a file: a tensor alone is called vectors. */
function namedIn(value: unknown): Map<string, Held> {
  if (isVectors(value)) return new Map([['vectors', value]])
  const found = new Map<string, Held>()
  if (value instanceof Map) for (const [key, item] of value) if (isVectors(item) || isPerRow(item)) found.set(keyText(key), item)
  return found
}

/** Reads the elements of a tensor as float32, or float16 as it is. */
async function elementsOf(tensor: Tensor): Promise<Matrix['values']> {
  if (tensor.dtype === 'float16') return (await tensor.data()) as Uint16Array
  using wide = await tensor.to({ dtype: 'float32' }).ready()
  return (await wide.data()) as Float32Array
}

/**
 * Opens a file that `torch.save` wrote: a matrix, or a dict with one and with lists or tensors of the other facts.
 *
 * Errors: DATA_FORMAT, DATA_UNSAFE.
 */
export async function ptTable(path: string, limits: Limits): Promise<Table> {
  const file = await openPt(path, { limits })
  const named = namedIn(file.value)
  const columns: Column[] = [...named].map(([name, value]) => {
    const vectors = isVectors(value)
    return { name, kind: vectors ? 'vectors' : 'value', ...(vectors && value.dtype === 'float16' && { half: true }) }
  })
  async function listed(value: Held): Promise<ArrayLike<unknown>> {
    if (!isTensorEntry(value)) return value as readonly unknown[]
    using tensor = await readTensor(file, value)
    return (await tensor.data()) as ArrayLike<unknown>
  }
  async function* read(wanted: readonly string[]): AsyncGenerator<ReadonlyMap<string, Values>> {
    const vectors = wanted.map((name) => named.get(name)!).find(isVectors)
    if (vectors === undefined) throw damaged(path, 'expected a matrix of vectors')
    const [rows, dim] = vectors.shape as [number, number]
    const others = new Map<string, ArrayLike<unknown>>()
    for (const name of wanted) {
      const value = named.get(name)!
      if (value === vectors) continue
      const list = await listed(value)
      if (list.length !== rows)
        throw damaged(path, `expected ${rows} values in "${name}", one for each vector, but it holds ${list.length}`)
      others.set(name, list)
    }
    using whole = await readTensor(file, vectors)
    const step = Math.max(1, Math.floor(TOGETHER / dim))
    for (let at = 0; at < rows; at += step) {
      const count = Math.min(step, rows - at)
      using part = await whole.op('aten::narrow', 0, at, count)
      const matrix: Matrix = { dim, values: await elementsOf(part) }
      const slice = (list: ArrayLike<unknown>) => Array.from({ length: count }, (_, i) => list[at + i])
      yield new Map(wanted.map((name) => [name, others.has(name) ? slice(others.get(name)!) : matrix] as const))
    }
  }
  return { path, format: 'pt', columns, read }
}
