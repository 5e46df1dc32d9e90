import { isMapped, type StoredArray } from '../files/arrays.js'
import { elements } from '../files/element.js'
import { type DType, native } from '../native.js'
import { loadTensor } from '../torch/load-array.js'
import type { Tensor } from '../torch/tensor.js'
import type { Norms } from './base.js'
import { checkNorms } from './checks.js'
import type { Layout } from './keys.js'
import type { RowFacts } from './row-facts.js'
import { unitRows } from './unit-rows.js'

/** The tensors of a base; every row is checked. */
export interface Vectors {
  readonly vectors: Tensor
  readonly targets: Tensor | undefined
  readonly norms: Norms
  readonly count: number
  readonly mapped: boolean
}

/** Dtypes that stay as stored; others become float32 here. */
const KEPT: readonly DType[] = ['float16', 'float32']

async function load(array: StoredArray, dim: number): Promise<Tensor> {
  const loaded = await loadTensor(array, [elements(array.shape) / dim, dim])
  if (KEPT.includes(loaded.dtype)) return loaded
  using wide = loaded
  return await wide.to({ dtype: 'float32' }).ready()
}

async function unit(vectors: Tensor, norms: Float64Array): Promise<Tensor> {
  using raw = vectors
  return await unitRows(raw, norms)
}

/** Describes the i-th of all vectors, contexts first, for an error. */
function nameOf({ kind, rows, context = 1 }: Layout, { articles }: RowFacts): (i: number) => string {
  if (kind === 'base') return (i) => `row ${i}${articles === undefined ? '' : ` of article "${articles.ids[articles.of[i]!]}"`}`
  return (i) =>
    i < rows * context ? `context ${i % context} of sequence ${Math.floor(i / context)}` : `target ${i - rows * context}`
}

function joined(a: Float64Array, b: Float64Array): Float64Array {
  const all = new Float64Array(a.length + b.length)
  all.set(a)
  all.set(b, a.length)
  return all
}

/** Loads the vectors of a layout and checks every row; `faulty` accepts rows that are zero or not finite. Errors: DATA_FORMAT, DATA_NOT_FINITE, DATA_ZERO. */
export async function loadVectors(layout: Layout, facts: RowFacts, normalize: boolean, faulty: boolean): Promise<Vectors> {
  const { path } = layout.vectors
  let vectors = await load(layout.vectors, layout.dim)
  let targets = layout.targets && (await load(layout.targets, layout.dim))
  try {
    const lengths = await native.rowNorms(vectors.native)
    const targetLengths = targets === undefined ? new Float64Array(0) : await native.rowNorms(targets.native)
    const all = joined(lengths, targetLengths)
    let norms = checkNorms(path, all, nameOf(layout, facts), faulty)
    if (normalize) {
      vectors = await unit(vectors, lengths)
      targets = targets && (await unit(targets, targetLengths))
      norms = { min: 1, max: 1, mean: 1, deviating: 0 }
    }
    const mapped = isMapped(layout.vectors) && layout.vectors.type.kind === 'float' && layout.vectors.type.size < 8 && !normalize
    return { vectors, targets, norms, count: all.length, mapped }
  } catch (error) {
    vectors.dispose()
    targets?.dispose()
    throw error
  }
}
