import type { RunManifest } from '../checkpoint/run-manifest.js'
import { openBeside } from '../data/beside.js'
import { LvmError } from '../errors.js'
import { trainingVectors } from '../evaluate/subject.js'
import { native } from '../native.js'
import type { FoundRow } from '../study/next/found-rows.js'
import { requireEncoder } from '../text/space/require-encoder.js'
import { Tensor } from '../torch/tensor.js'
import type { RetrieveItem } from './engine-messages.js'

/** Vectors to search for predictions, with their articles and texts. */
export interface Bank {
  readonly path: string
  readonly rows: number
  readonly hash: string
  /** The rows nearest to each query. Shapes: queries [contexts of all items, dim]. Errors: BAD_REQUEST for excluded rows that are not in the bank. */
  find(queries: Tensor, items: readonly RetrieveItem[]): Promise<FoundRow[][]>
}

/** Lowest row that is not excluded: the search needs an allowed row as target. */
function firstAllowed(sorted: readonly number[]): number {
  const at = sorted.findIndex((row, i) => row !== i)
  return at < 0 ? sorted.length : at
}

/** Sorted distinct rows. Errors: BAD_REQUEST. */
function excludedRows({ exclude }: RetrieveItem, rows: number): number[] {
  const sorted = [...new Set(exclude)].sort((a, b) => a - b)
  const wrong = [sorted[0], sorted.at(-1)].find((row) => row !== undefined && (row < 0 || row >= rows))
  if (wrong !== undefined)
    throw new LvmError('BAD_REQUEST', `retrieve: expected rows from 0 to ${rows - 1} for "exclude" but received ${wrong}`)
  return sorted
}

/** What the native search needs for the contexts of all items, and how many rows each context gets. Errors: BAD_REQUEST. */
function searchOf(items: readonly RetrieveItem[], rows: number) {
  const n = items.reduce((sum, { batch }) => sum + batch, 0)
  const [target, first, wanted] = [new Int32Array(n), new Int32Array(n + 1), new Int32Array(n)]
  const excluded: number[] = []
  let at = 0
  for (const item of items) {
    const without = excludedRows(item, rows)
    const none = without.length === rows // nothing is left to find, but the search needs a target
    for (let i = 0; i < item.batch; i++, at++) {
      if (!none) excluded.push(...without)
      target[at] = none ? 0 : firstAllowed(without)
      first[at + 1] = excluded.length
      wanted[at] = none ? 0 : item.k
    }
  }
  return { target, first, excluded: Int32Array.from(excluded), wanted }
}

/** Opens a bank for the run `name`. Errors: those of openBeside for another space or dimension, and of requireEncoder. */
export async function openBank(
  name: string,
  manifest: RunManifest,
  path: string,
  { space, encoder }: { space: string | undefined; encoder?: string | undefined },
): Promise<Bank> {
  const first = trainingVectors({ name, manifest }, space)
  const base = await requireEncoder(await openBeside(first, path, { space }), encoder, first)
  const vectors = base.targets ?? base.vectors
  const texts = await base.texts()
  const { articles, rows } = base
  const bank = native.bank(vectors.native)
  const none = { target: new Int32Array(1), first: new Int32Array(2), excluded: new Int32Array(0) }
  using zeros = Tensor.from(new Float32Array(base.dim), [1, base.dim])
  await native.retrieve(zeros.native, bank, none, 1) // the first search computes the lengths of all rows
  const describe = (row: number, cosine: number): FoundRow => ({
    row,
    cosine,
    article: articles === undefined ? null : articles.ids[articles.of[row]!]!,
    text: texts?.[row] ?? null,
  })
  return {
    path: base.path,
    rows,
    hash: base.hash,
    async find(queries, items) {
      const most = Math.min(rows, Math.max(...items.map(({ k }) => k)))
      const { wanted, ...o } = searchOf(items, rows)
      const { allowed } = await native.retrieve(queries.native, bank, o, most)
      return Array.from(wanted, (k, i) => {
        const found: FoundRow[] = []
        for (let j = i * most; j < i * most + Math.min(k, most) && allowed.rows[j]! >= 0; j++)
          found.push(describe(allowed.rows[j]!, allowed.cosines[j]!))
        return found
      })
    },
  }
}
