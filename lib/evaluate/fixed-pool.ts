import { take } from '../baselines/baselines-rows.js'
import type { Base } from '../data/base.js'
import type { Windows } from '../data/windows.js'
import { native } from '../native.js'
import { sampled } from '../statistics/random.js'
import type { Tensor } from '../torch/tensor.js'
import { type Excluded, exclusions, type Places } from './exclusions.js'
import { locateContexts } from './pool.js'

/** A fixed selection of a base's rows, with the place of each window's target and of the rows that the window has read. */
export interface FixedPool {
  /** Shapes: [rows, dim]. */
  readonly vectors: Tensor
  readonly rows: number
  /** Share of the rows that it was chosen from. */
  readonly share: number
  /** Per window the place of its target; −1 for a target that is not in the pool. */
  readonly target: Int32Array
  /** Places that each window leaves out: those of its context. */
  readonly excluded: Excluded
  dispose(): void
}

/** Chooses `most` of the rows, among them `wanted`. */
function choose(all: Int32Array, most: number, wanted: Int32Array, seed: number): Int32Array {
  if (all.length <= most) return all
  const kept = new Set(wanted)
  const others = sampled(
    all.filter((row) => !kept.has(row)),
    Math.max(0, most - kept.size),
    seed,
  )
  return Int32Array.from([...kept, ...others]).sort()
}

/** Counts the rows before a row that have a place. */
function countBefore(place: Int32Array): (row: number) => number {
  const before = new Int32Array(place.length + 1)
  for (let row = 0; row < place.length; row++) before[row + 1] = before[row]! + Number(place[row]! >= 0)
  return (row) => before[row]!
}

/**
 * Makes a pool of at most `most` rows; `targets` adds those of the windows first, and `most` grows where they are more.
 *
 * `held` marks rows that are left out, because they belong to a part that nothing may be chosen by.
 */
export async function fixedPool(
  { base, windows, ids }: { readonly base: Base; readonly windows: Windows; readonly ids: Int32Array },
  {
    most,
    seed,
    targets,
    held,
  }: { readonly most: number; readonly seed: number; readonly targets: boolean; readonly held?: Uint8Array | undefined },
): Promise<FixedPool> {
  const searched = base.targets ?? base.vectors
  const count = searched.shape[0]!
  const rowOf = ids.map((id) => windows.target[id]!)
  const all = Int32Array.from({ length: count }, (_, row) => row).filter((row) => held?.[row] !== 1)
  const rows = choose(all, most, targets ? rowOf : new Int32Array(), seed)
  const place = new Int32Array(count).fill(-1)
  for (const [i, row] of rows.entries()) place[row] = i
  const vectors = rows.length === count ? searched : await take(searched, rows)
  const dispose = () => {
    if (vectors !== searched) vectors.dispose()
  }
  try {
    const target = rowOf.map((row) => place[row]!)
    let places: Places = { before: countBefore(place) }
    if (base.kind === 'sequences') {
      const bank = native.bank(vectors.native)
      try {
        const found = await locateContexts(bank, { base, windows, ids })
        places = { of: (row) => found[row]! }
      } finally {
        native.bankDispose(bank)
      }
    }
    const excluded = exclusions({ windows, ids }, target, { exclude: 'seen', places })
    return { vectors, rows: rows.length, share: rows.length / all.length, target, excluded, dispose }
  } catch (error) {
    dispose()
    throw error
  }
}
