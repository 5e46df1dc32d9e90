import { readFile } from 'node:fs/promises'
import { LvmError } from '../errors.js'
import { jsonFault, parseJson } from '../files/json.js'
import { DEFAULT_LIMITS } from '../files/limits.js'
import { damaged } from '../files/read-file.js'
import type { Base } from './base.js'
import type { Fold } from './fold.js'
import { articlesOf, checkDisjoint, type Split, type SplitMode } from './split.js'
import type { Windows } from './windows.js'

/** Content of split.json: the target rows of each part. */
export interface SplitDocument {
  readonly version: 1
  readonly mode: SplitMode
  readonly leaky: boolean
  readonly seed: number
  /** Which part of the articles is the test part; absent without folds. */
  readonly fold?: Fold
  readonly context: number
  readonly train: readonly number[]
  readonly val: readonly number[]
  readonly test: readonly number[]
}
/** Windows and their base. */
export interface Source {
  readonly base: Base
  readonly windows: Windows
}

const rowsOf = (windows: Windows, part: Int32Array): number[] => Array.from(part, (w) => windows.target[w]!)

/** Converts a split to the content of split.json; with mode `file`, `val` is the validation file. */
export function splitDocument(split: Split, { windows }: Source, val?: Source): SplitDocument {
  const { mode, leaky, seed, fold, train, test } = split
  return {
    version: 1,
    mode,
    leaky,
    seed,
    ...(fold && { fold }),
    context: windows.context,
    train: rowsOf(windows, train),
    val: rowsOf(val?.windows ?? windows, split.val),
    test: test === undefined ? [] : rowsOf(windows, test),
  }
}

/** The text of split.json. */
export const splitText = (split: Split, source: Source, val?: Source): string =>
  `${JSON.stringify(splitDocument(split, source, val))}\n`

const isRows = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((row) => Number.isSafeInteger(row) && row >= 0)

const isFold = (value: unknown): value is Fold => {
  const { index, of } = (value ?? {}) as Partial<Fold>
  return Number.isSafeInteger(index) && Number.isSafeInteger(of) && index! >= 1 && index! <= of!
}

function parse(path: string, text: string): SplitDocument {
  let document: Partial<Record<keyof SplitDocument, unknown>> | null
  try {
    document = parseJson(text, DEFAULT_LIMITS.jsonDepth, { python: false }) as typeof document
  } catch (error) {
    throw damaged(path, jsonFault(error), error)
  }
  const { version, mode, leaky, seed, fold, context, train, val, test } = document ?? {}
  const known = version === 1 && ['articles', 'windows', 'file'].includes(mode as string) && typeof leaky === 'boolean'
  if (
    !known ||
    !Number.isSafeInteger(seed) ||
    !Number.isSafeInteger(context) ||
    !(fold === undefined || isFold(fold)) ||
    !isRows(train) ||
    !isRows(val) ||
    !isRows(test)
  ) {
    throw damaged(path, 'expected a split of version 1')
  }
  return document as unknown as SplitDocument
}

/** Finds the window of each target row. */
function windowsOf(
  path: string,
  name: string,
  { windows, base }: Source,
  rows: readonly number[],
  taken: Set<number>,
): Int32Array {
  const byRow = new Int32Array(windows.target.reduce((most, row) => Math.max(most, row), -1) + 1).fill(-1)
  windows.target.forEach((row, w) => {
    byRow[row] = w
  })
  const found = Int32Array.from(rows, (row) => {
    const w = byRow[row] ?? -1
    if (w < 0)
      throw new LvmError('DATA_SHAPE', `${path}: expected windows of ${base.path} but none has its ${name} row ${row} as target`)
    if (taken.has(w)) throw damaged(path, `row ${row} appears twice`)
    taken.add(w)
    return w
  })
  return found.sort()
}

/**
 * Reads split.json and finds its windows in the base.
 *
 * Errors: FILE_MISSING, DATA_FORMAT; DATA_SHAPE when it was made for other windows; DATA_SHARED_ARTICLE when an article is in two parts.
 */
export async function loadSplit(path: string, source: Source, val?: Source): Promise<Split> {
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw new LvmError('FILE_MISSING', `${path}: expected a split but there is none`, { cause })
  })
  const document = parse(path, text)
  const { mode, leaky, seed, fold, context } = document
  if (context !== source.windows.context) {
    throw new LvmError('DATA_SHAPE', `${path}: expected windows of context ${context} but received ${source.windows.context}`)
  }
  const from = mode === 'file' ? val : source
  if (from === undefined) throw new LvmError('DATA_SHAPE', `${path}: expected the validation file that this split was made with`)
  const taken = new Set<number>()
  const train = windowsOf(path, 'train', source, document.train, taken)
  const test = windowsOf(path, 'test', source, document.test, taken)
  const valWindows = windowsOf(path, 'val', from, document.val, mode === 'file' ? new Set() : taken)
  const articles = {
    train: articlesOf(source.base, source.windows, train),
    val: articlesOf(from.base, from.windows, valWindows),
    test: articlesOf(source.base, source.windows, test),
  }
  if (!leaky) checkDisjoint(path, articles)
  return { mode, leaky, seed, ...(fold && { fold }), train, val: valWindows, ...(test.length > 0 && { test }), articles }
}
