import { blocks, type Rows, take, targets } from '../baselines/baselines-rows.js'
import type { Base } from '../data/base.js'
import { openBeside } from '../data/beside.js'
import { contextRows } from '../data/windows.js'
import { badOption } from '../errors.js'
import { type NativeBank, native } from '../native.js'
import { nearestRows } from '../text/decode/sentence-bank.js'
import type { Tensor } from '../torch/tensor.js'
import { type Exclude, exclusions } from './exclusions.js'
import type { Pool } from './search.js'
import type { Chosen } from './subject.js'

/** Least cosine of a vector and its row in a bank, which may be rounded to float16 or normalised. */
const SAME = 1 - 1e-6

const searched = ({ vectors, targets }: Base): Tensor => targets ?? vectors

/** Returns the row of each vector in a bank, −1 for a vector without one. */
export async function locate(bank: NativeBank, vectors: Tensor): Promise<Int32Array> {
  const { rows, cosines } = await nearestRows(bank, vectors)
  return rows.map((row, i) => (cosines[i]! >= SAME ? row : -1))
}

/** Rows located in one search. */
const BLOCK = 8192

/** Returns, for each row of a base that is in a context, its row in a bank; −1 for all others and for rows that are not in the bank. */
export async function locateContexts(bank: NativeBank, { base, windows, ids }: Rows): Promise<Int32Array> {
  const count = base.vectors.shape[0]!
  const wanted = contextRows(ids, windows, count)
  const found = new Int32Array(count).fill(-1)
  for (let at = 0; at < wanted.length; at += BLOCK) {
    const part = wanted.subarray(at, at + BLOCK)
    using x = await take(base.vectors, part)
    for (const [i, row] of (await locate(bank, x)).entries()) found[part[i]!] = row
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

/**
 * Opens the pool in which the targets of the chosen windows are searched: all rows of their data, or those of another file or base, which the pool disposes of.
 *
 * The rows of a window are known by number in its own base; in sequences and other files they are found by their vectors.
 * Errors: those of openBeside; BAD_OPTION when a target is not in the bank.
 */
export async function openPool(
  chosen: Pick<Chosen, 'base' | 'windows' | 'ids'>,
  {
    bank: path,
    space,
    exclude = 'seen',
  }: { readonly bank?: string | Base | undefined; readonly space?: string | undefined; readonly exclude?: Exclude } = {},
): Promise<Pool> {
  const { base, windows, ids } = chosen
  const { normalized, part } = base
  const other = typeof path === 'string' ? await openBeside(base, path, { space, normalize: normalized, part }) : path
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
    const rows = own && base.kind === 'base' ? undefined : await locateContexts(searchable, chosen)
    return {
      base: bank,
      vectors,
      bank: searchable,
      rows: bank.rows,
      target,
      excluded: exclusions(chosen, target, {
        exclude,
        places: rows === undefined ? { before: (row) => row } : { of: (row) => rows[row]! },
      }),
      dispose,
    }
  } catch (error) {
    dispose()
    throw error
  }
}
