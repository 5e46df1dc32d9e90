import type { Base } from '../../data/base.js'
import { openBeside } from '../../data/beside.js'
import { badOption } from '../../errors.js'
import { blocks, contexts, type Rows, targets } from '../../evaluate/baselines-rows.js'
import type { Chosen } from '../../evaluate/subject.js'
import { type NativeBank, native } from '../../native.js'
import { nearestRows } from '../../text/decode/sentence-bank.js'
import type { Tensor } from '../../torch/tensor.js'
import type { Pool } from './search.js'

/** Least cosine of a vector and its row in a bank, which may be rounded to float16 or normalised. */
const SAME = 1 - 1e-6

const searched = ({ vectors, targets }: Base): Tensor => targets ?? vectors

/** Returns the row of each vector in a bank, −1 for a vector without one. */
export async function locate(bank: NativeBank, vectors: Tensor): Promise<Int32Array> {
  const { rows, cosines } = await nearestRows(bank, vectors)
  return rows.map((row, i) => (cosines[i]! >= SAME ? row : -1))
}

/** Returns the rows of each window's context. Shapes: [windows · context], −1 for vectors that are not in the bank. */
async function locateContexts(bank: NativeBank, rows: Rows): Promise<Int32Array> {
  const { context, dim } = rows.windows
  const found = new Int32Array(rows.ids.length * context)
  let at = 0
  for (const ids of blocks(rows)) {
    using x = await contexts(rows, ids)
    using flat = await x.op('aten::view', [ids.length * context, dim])
    found.set(await locate(bank, flat), at)
    at += ids.length * context
  }
  return found
}

async function locateTargets(path: string, bank: NativeBank, rows: Rows): Promise<Int32Array> {
  const found = new Int32Array(rows.ids.length)
  let at = 0
  for (const ids of blocks(rows)) {
    using y = await targets(rows, ids)
    found.set(await locate(bank, y), at)
    at += ids.length
  }
  const missing = found.filter((row) => row < 0).length
  if (missing > 0) {
    throw badOption(
      'retrieve',
      'bank',
      `a file that holds all ${found.length} targets (${missing} are not in it)`,
      path,
      'add the target rows to the bank, or leave out --bank to search the data itself',
    )
  }
  return found
}

/** Returns the rows of each window's context in the base of the windows. */
function ownContexts({ windows, ids }: Rows): Int32Array {
  const { context } = windows
  return Int32Array.from(
    { length: ids.length * context },
    (_, i) => windows.first[ids[Math.floor(i / context)]!]! + (i % context),
  )
}

/** Builds the lists of excluded rows; rows that are not in the bank and the target itself are never excluded. */
function exclusions(contexts: Int32Array, target: Int32Array, context: number): Pick<Pool, 'first' | 'excluded'> {
  const first = new Int32Array(target.length + 1)
  const excluded = new Int32Array(contexts.length)
  let count = 0
  target.forEach((own, i) => {
    const rows = new Set(contexts.subarray(i * context, (i + 1) * context))
    for (const row of rows) if (row >= 0 && row !== own) excluded[count++] = row
    first[i + 1] = count
  })
  return { first, excluded: excluded.slice(0, count) }
}

/**
 * Opens the pool in which the targets of the chosen windows are searched: all rows of their data, or those of another file.
 *
 * The rows of a window are known by number in its own base; in sequences and other files they are found by their vectors.
 * Errors: those of openBeside; BAD_OPTION when a target is not in the bank.
 */
export async function openPool(
  chosen: Chosen,
  { bank: path, space }: { readonly bank?: string | undefined; readonly space?: string | undefined } = {},
): Promise<Pool> {
  const { base, windows, ids } = chosen
  const { normalized, part } = base
  const other = path === undefined ? undefined : await openBeside(base, path, { space, normalize: normalized, part })
  const bank = other ?? base
  const vectors = searched(bank)
  const searchable = native.bank(vectors.native)
  const dispose = () => {
    native.bankDispose(searchable)
    other?.dispose()
  }
  try {
    const own = bank.hash === base.hash
    const target = own ? ids.map((id) => windows.target[id]!) : await locateTargets(bank.path, searchable, chosen)
    const rows = own && base.kind === 'base' ? ownContexts(chosen) : await locateContexts(searchable, chosen)
    return {
      base: bank,
      vectors,
      bank: searchable,
      rows: bank.rows,
      target,
      ...exclusions(rows, target, windows.context),
      dispose,
    }
  } catch (error) {
    dispose()
    throw error
  }
}
