import { badOption, LvmError } from '../errors.js'
import type { Base } from './base.js'

/** Contexts and targets as row numbers, without copies of vectors. */
export interface Windows {
  readonly context: number
  readonly dim: number
  readonly count: number
  /** Row of the first context vector in `base.vectors`. */
  readonly first: Int32Array
  /** Row of the target in `base.targets`, or in `base.vectors` for a base without targets. */
  readonly target: Int32Array
  /** Article of the target, as an index of `base.articles.ids`; 0 without articles. */
  readonly article: Int32Array
  /** 1 where context and target lie in different articles; absent when no window can cross. */
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

/** Counts, for each row, the consecutive rows of its article that end with it. */
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
 * Lists all windows: `context` consecutive vectors and the next one as target.
 *
 * A window stays inside one article and never spans a gap in its positions; with `cross` all rows are one text (the PRD's N − context).
 * Stored sequences keep their last `context` vectors.
 * Errors: BAD_OPTION for a context that is not an integer ≥ 1 or is longer than the stored sequences.
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

/** Batch size of inference: smaller for long contexts, so that memory stays constant. */
export const atOnce = (context: number): number => Math.max(1, Math.min(256, Math.floor(8192 / context)))

/** Checks that there is at least one full batch. Errors: DATA_TOO_FEW. */
export function requireWindows(count: number, batch: number, what = 'windows'): void {
  if (count < batch)
    throw new LvmError('DATA_TOO_FEW', `data: expected at least one batch of ${batch} ${what} but there are ${count}`)
}
