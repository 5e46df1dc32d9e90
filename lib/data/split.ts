import { badOption, LvmError } from '../errors.js'
import { extremes } from '../statistics/extremes.js'
import { permutation } from '../statistics/random.js'
import type { Base } from './base.js'
import { cutFold, type Fold, foldText } from './fold.js'
import { runLengths, type Windows } from './windows.js'

export type SplitMode = 'articles' | 'windows' | 'file'

/** The windows of training, validation and test. */
export interface Split {
  readonly mode: SplitMode
  /** Contexts of one part may hold targets of another, so figures are too good (data leak). */
  readonly leaky: boolean
  readonly seed: number
  /** Which part of the articles is the test part; absent without folds. */
  readonly fold?: Fold
  /** Indices of windows, ascending. */
  readonly train: Int32Array
  /** Indices of windows, ascending; with mode `file`, of the validation file. */
  readonly val: Int32Array
  readonly test?: Int32Array
  /** Ids of the articles of the targets of each part. */
  readonly articles: { readonly train: readonly string[]; readonly val: readonly string[]; readonly test: readonly string[] }
}
export interface SplitOptions {
  readonly mode: SplitMode
  readonly seed: number
  /** Fraction of the test part, which neither training nor selection uses; 0 for none. */
  readonly test: number
  /** Part of the articles that is the test part, in place of a fraction. */
  readonly fold?: Fold | undefined
  /** The validation file of mode `file`. */
  readonly val?: { readonly base: Base; readonly windows: Windows } | undefined
}

/** Share of the validation part. */
export const VAL = 0.1

/** Rounds halves to even, as Python does: a tenth of 285 articles is 28. */
function round(x: number): number {
  const down = Math.floor(x)
  return x - down === 0.5 ? down + (down % 2) : Math.round(x)
}

/** Ids of the articles of the windows' targets, in order of appearance. */
export function articlesOf(base: Base, windows: Windows, part: Int32Array): string[] {
  const { articles } = base
  return articles === undefined ? [] : [...new Set(part.map((w) => windows.article[w]!))].map((n) => articles.ids[n]!)
}

/** Sizes of the parts: fractions, or a fold as the test part. */
interface Shares {
  readonly val: number
  readonly test: number
  readonly fold?: Fold | undefined
}

/** Number of articles in a part. */
export const partSize = (count: number, fraction: number) => (fraction === 0 ? 0 : Math.max(1, round(count * fraction)))

/** Shuffles items and takes first test, then validation; the rest is for training. */
function draw(items: Int32Array, seed: number, shares: Shares) {
  const order = permutation(items.length, seed).map((i) => items[i]!)
  if (shares.fold !== undefined) {
    const { held, others } = cutFold(order, shares.fold)
    const val = partSize(others.length, shares.val)
    return { test: held, val: others.slice(0, val), train: others.slice(val) }
  }
  const test = partSize(items.length, shares.test)
  const val = test + partSize(items.length, shares.val)
  return { test: order.slice(0, test), val: order.slice(test, val), train: order.slice(val) }
}

/** The error for a base with hardly any window; its hint names the longest context that the articles allow. */
function tooFew(base: Base, { count, context }: Windows): LvmError {
  const longest = base.kind === 'base' ? extremes(runLengths(base)).most : 0
  const message = `${base.path}: expected at least 3 windows to split but there are ${count}`
  if (longest === 0 || longest > context) return new LvmError('DATA_TOO_FEW', message)
  const why = `a window is ${context + 1} consecutive rows of an article, and the longest article has ${longest}`
  const shorter = longest > 1 ? `use --context ${longest - 1}, or longer texts` : 'use longer texts'
  return new LvmError('DATA_TOO_FEW', `${message}: ${why}`, { hint: shorter })
}

function byArticle(base: Base, windows: Windows, seed: number, shares: Shares) {
  const present = Int32Array.from(new Set(windows.article))
  const needed = Math.max(1 + Number(shares.val > 0) + Number(shares.test > 0), shares.fold === undefined ? 0 : 3)
  if (base.articles === undefined || present.length < needed) {
    const known = base.articles === undefined ? 'its rows have no article ids' : `its windows are from ${present.length}`
    throw new LvmError('DATA_ONE_ARTICLE', `${base.path}: expected at least ${needed} articles to split but ${known}`)
  }
  if (shares.fold !== undefined && shares.fold.of > present.length)
    throw badOption('split', 'fold', `at most ${present.length} parts, one for each article,`, foldText(shares.fold))
  const drawn = draw(present, seed, shares)
  if (drawn.train.length === 0 && shares.fold !== undefined)
    throw badOption('split', 'fold', 'parts that leave two articles for training and validation', foldText(shares.fold))
  if (drawn.train.length === 0) throw badOption('split', 'test', 'a fraction that leaves articles for training', shares.test)
  const only = (articles: Int32Array) => {
    const wanted = new Set(articles)
    return Int32Array.from({ length: windows.count }, (_, i) => i).filter((i) => wanted.has(windows.article[i]!))
  }
  return { train: only(drawn.train), val: only(drawn.val), test: only(drawn.test) }
}

function byWindow(windows: Windows, seed: number, test: number) {
  const {
    train,
    val,
    test: held,
  } = draw(
    Int32Array.from({ length: windows.count }, (_, i) => i),
    seed,
    { val: VAL, test },
  )
  return { train: train.sort(), val: val.sort(), test: held.sort() }
}

function byFile(base: Base, windows: Windows, { val, seed, test }: SplitOptions) {
  if (val === undefined) throw badOption('split', 'val', 'a file of validation data for mode "file"', undefined)
  const sameContext = val.windows.context === windows.context || val.windows.length !== undefined || windows.length !== undefined
  if (val.windows.dim !== windows.dim || !sameContext) {
    throw new LvmError(
      'DATA_SHAPE',
      `${val.base.path}: expected windows of ${windows.context} × ${windows.dim} but received ${val.windows.context} × ${val.windows.dim}`,
    )
  }
  const all = (count: number) => Int32Array.from({ length: count }, (_, i) => i)
  const rest =
    test > 0 ? byArticle(base, windows, seed, { val: 0, test }) : { train: all(windows.count), test: new Int32Array(0) }
  return { ...rest, val: all(val.windows.count) }
}

/** Checks that no article is in two parts. Errors: DATA_SHARED_ARTICLE. */
export function checkDisjoint(owner: string, articles: Split['articles']): void {
  for (const [a, b] of [
    ['train', 'val'],
    ['train', 'test'],
    ['val', 'test'],
  ] as const) {
    const known = new Set(articles[a])
    const shared = articles[b].filter((id) => known.has(id))
    if (shared.length === 0) continue
    const named = shared
      .slice(0, 5)
      .map((id) => `"${id}"`)
      .join(', ')
    throw new LvmError(
      'DATA_SHARED_ARTICLE',
      `${owner}: expected no article in two parts but ${shared.length} are in ${a} and ${b}: ${named}${shared.length > 5 ? ', …' : ''}`,
    )
  }
}

/**
 * Divides windows into training, validation and test.
 *
 * Validation is, by mode: `articles` a tenth of the articles, at least one (of those outside the test part with a fold); `windows` a random tenth of the windows, which leaks because
 * neighbours share vectors; `file` all windows of another file.
 * Errors: BAD_OPTION, DATA_ONE_ARTICLE, DATA_SHARED_ARTICLE, DATA_TOO_FEW.
 */
export function splitWindows(windows: Windows, base: Base, options: SplitOptions): Split {
  const { mode, seed, test, fold } = options
  if (!(test >= 0 && test < 1 - VAL)) throw badOption('split', 'test', `a fraction from 0 to below ${1 - VAL}`, test)
  if (windows.count < 3) throw tooFew(base, windows)
  if (mode === 'articles' && base.kind === 'base' && windows.crosses !== undefined) {
    throw badOption('split', 'mode', '"windows" for windows that cross articles', mode)
  }
  const parts =
    mode === 'articles'
      ? byArticle(base, windows, seed, { val: VAL, test, fold })
      : mode === 'windows'
        ? byWindow(windows, seed, test)
        : byFile(base, windows, options)
  const valBase = mode === 'file' ? options.val! : { base, windows }
  const articles = {
    train: articlesOf(base, windows, parts.train),
    val: articlesOf(valBase.base, valBase.windows, parts.val),
    test: articlesOf(base, windows, parts.test),
  }
  const leaky = mode === 'windows'
  if (!leaky) checkDisjoint(base.path, articles)
  const { train, val } = parts
  const held = test > 0 || fold !== undefined
  return { mode, leaky, seed, ...(fold && { fold }), train, val, ...(held && { test: parts.test }), articles }
}
