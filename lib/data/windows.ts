import { badOption, LvmError } from '../errors.js'
import type { Base } from './base.js'

/** Contexts and their targets as row numbers; no vector is copied. */
export interface Windows {
  readonly context: number
  readonly dim: number
  readonly count: number
  /** Row of the first context vector in `base.vectors`. */
  readonly first: Int32Array
  /** Row of the target in `base.targets`, or in `base.vectors` where there are none. */
  readonly target: Int32Array
  /** Article of the target, as a number in `base.articles.ids`; 0 when no articles are known. */
  readonly article: Int32Array
  /** 1 where context and target lie in different articles; absent where that cannot be. */
  readonly crosses?: Uint8Array
}

function ofSequences(base: Base, context: number): Windows {
  const stored = base.context!
  if (context > stored) {
    throw badOption('windows', 'context', `at most the ${stored} vectors that each sequence of ${base.path} holds`, context)
  }
  return {
    context,
    dim: base.dim,
    count: base.rows,
    first: Int32Array.from({ length: base.rows }, (_, i) => i * stored + stored - context),
    target: Int32Array.from({ length: base.rows }, (_, i) => i),
    article: base.articles?.of ?? new Int32Array(base.rows),
    ...(base.crossing && { crosses: base.crossing }),
  }
}

/** How many rows up to each one follow each other without a gap in one article. */
export function runLengths({ rows, articles, positions }: Pick<Base, 'rows' | 'articles' | 'positions'>): Int32Array {
  const run = new Int32Array(rows)
  for (let row = 0; row < rows; row++) {
    const follows =
      row > 0 &&
      (articles === undefined || articles.of[row] === articles.of[row - 1]) &&
      (positions === undefined || positions[row] === positions[row - 1]! + 1)
    run[row] = follows ? run[row - 1]! + 1 : 1
  }
  return run
}

/**
 * All windows of `context` vectors and the one that follows them.
 *
 * They stay inside one article and break at gaps in its positions; with `cross` all rows count as one text (the PRD's N − context).
 * Sequences are taken as stored; of longer ones the last `context` vectors.
 * Errors: BAD_OPTION for a context that is not a whole number ≥ 1 or is longer than stored.
 */
export function makeWindows(base: Base, context: number, { cross = false }: { cross?: boolean } = {}): Windows {
  if (!Number.isSafeInteger(context) || context < 1) throw badOption('windows', 'context', 'an integer ≥ 1', context)
  if (base.kind === 'sequences') return ofSequences(base, context)
  const of = base.articles?.of ?? new Int32Array(base.rows)
  const run = cross ? undefined : runLengths(base)
  const target = new Int32Array(Math.max(0, base.rows - context))
  let count = 0
  for (let row = context; row < base.rows; row++) if (run === undefined || run[row]! > context) target[count++] = row
  const kept = target.slice(0, count)
  return {
    context,
    dim: base.dim,
    count,
    first: kept.map((row) => row - context),
    target: kept,
    article: kept.map((row) => of[row]!),
    ...(cross && { crosses: Uint8Array.from(kept, (row) => (of[row] === of[row - context] ? 0 : 1)) }),
  }
}

/** Contexts that go through a model at once where nothing is trained: fewer of long ones, so that memory does not grow with them. */
export const atOnce = (context: number): number => Math.max(1, Math.min(256, Math.floor(8192 / context)))

/** Errors: DATA_TOO_FEW when there are fewer windows than a batch takes. */
export function requireWindows(count: number, batch: number, what = 'windows'): void {
  if (count < batch)
    throw new LvmError('DATA_TOO_FEW', `data: expected at least one batch of ${batch} ${what} but there are ${count}`)
}
