import { readFile } from 'node:fs/promises'
import type { Reach } from '../../data/windows.js'
import { badOption, LvmError, shown } from '../../errors.js'
import { openArrays } from '../../files/arrays.js'
import { sha256 } from '../../files/hash.js'
import { loadTensor } from '../../torch/load-array.js'
import type { Tensor } from '../../torch/tensor.js'

/** An open file of predictions. */
export interface Predictions {
  readonly path: string
  readonly sha256: string
  readonly dim: number
  readonly output: 'raw' | 'unit'
  /** Hash of the data that was predicted, where the file says it. */
  readonly hash: string | undefined
  readonly trainedOn: number | null
  /** Part of a run's split that it holds, where the file says it. */
  readonly part: 'train' | 'val' | 'test' | undefined
  /** Shapes: [rows, dim]. */
  readonly vectors: Tensor
  /** Place of the prediction for each target row. */
  readonly places: ReadonlyMap<number, number>
  /** Data and reach of the predicted windows, for a file that is judged without a run. Errors: BAD_OPTION. */
  windows(data: string | undefined): { data: string; reach: Reach; cross: boolean }
}

/** What the .json file beside predictions says; only `rows` is needed beside a run. */
interface Index {
  readonly rows: readonly number[]
  readonly scale?: 'raw' | 'unit'
  readonly output?: 'raw' | 'unit'
  readonly part?: string | null
  readonly data?: { readonly path?: string; readonly hash?: string }
  readonly context?: number | null
  readonly lengths?: readonly number[] | null
  readonly trained_on?: number | null
  readonly split?: { readonly mode?: string } | null
}

const isWhole = (least: number) => (value: unknown) => Number.isSafeInteger(value) && (value as number) >= least
const isNone = (value: unknown) => value === undefined || value === null
const isScale = (value: unknown) => value === undefined || value === 'raw' || value === 'unit'
const isText = (value: unknown) => value === undefined || typeof value === 'string'
const isWholes = (value: unknown, least: number): value is number[] => Array.isArray(value) && value.every(isWhole(least))

/** Keys with what they must hold. */
const KEYS: Readonly<Record<keyof Index, [expected: string, accepts: (value: unknown) => boolean]>> = {
  rows: ['a list of row numbers', (value) => isWholes(value, 0)],
  scale: ['raw or unit', isScale],
  output: ['raw or unit', isScale],
  part: ['a text', (value) => isNone(value) || isText(value)],
  data: [
    '{ path, hash } of the predicted data',
    (value) =>
      isNone(value) ||
      (typeof value === 'object' && isText((value as Index['data'])!.path) && isText((value as Index['data'])!.hash)),
  ],
  context: ['an integer ≥ 1', (value) => isNone(value) || isWhole(1)(value)],
  lengths: ['a list of integers ≥ 1', (value) => isNone(value) || isWholes(value, 1)],
  trained_on: ['a share from 0 to 1', (value) => isNone(value) || (typeof value === 'number' && value >= 0 && value <= 1)],
  split: [
    '{ mode } of the split',
    (value) => isNone(value) || (typeof value === 'object' && isText((value as { mode?: unknown }).mode)),
  ],
}

async function readIndex(path: string, vectors: string): Promise<Index> {
  const hint = `write {"rows": [row of the data that each prediction is for, …]} to ${path}, or copy the .json file that predict wrote for the same rows`
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new LvmError(
      'FILE_MISSING',
      `${vectors}: expected ${path} beside it, which lists the predicted rows, but there is none`,
      { hint },
    )
  }
  const wrong = (what: string) => new LvmError('DATA_FORMAT', `${path}: expected ${what}`, { hint })
  let index: unknown
  try {
    index = JSON.parse(text)
  } catch {
    throw wrong('JSON but received something else')
  }
  if (typeof index !== 'object' || index === null) throw wrong(`an object but received ${shown(index)}`)
  for (const [key, [expected, accepts]] of Object.entries(KEYS)) {
    const value = (index as Record<string, unknown>)[key]
    if (!accepts(value)) throw wrong(`${expected} for "${key}" but received ${shown(value)}`)
  }
  return index as Index
}

/** How far back the contexts of a file's windows reach. */
function reachOf(path: string, { context, lengths }: Index): Reach {
  if (lengths?.length) {
    const [least, most] = lengths.reduce(([low, high], n) => [Math.min(low, n), Math.max(high, n)], [Infinity, 0])
    return { context: least, history: most, minHistory: least }
  }
  if (context) return { context }
  throw badOption(
    path,
    'context',
    'an integer ≥ 1 in its .json file, because no run is judged beside it,',
    undefined,
    'add "context": 5 to the .json file, or name a run too',
  )
}

/** Parts of a split that a file may hold. */
const PARTS = ['train', 'val', 'test'] as const

/** Opens predictions and the .json file beside them. Errors: FILE_MISSING, DATA_FORMAT, DATA_SHAPE. */
export async function openPredictions(path: string): Promise<Predictions> {
  const array = (await openArrays(path)).arrays.values().next().value!
  const index = await readIndex(path.replace(/\.npy$/, '.json'), path)
  const { rows } = index
  const [count, dim] = array.shape
  if (array.shape.length !== 2)
    throw new LvmError(
      'DATA_SHAPE',
      `${path}: expected predictions of shape [rows, dim] but received [${array.shape.join(', ')}]`,
      {
        hint: 'write one vector for each row',
      },
    )
  if (rows.length !== count)
    throw new LvmError(
      'DATA_SHAPE',
      `${path}: expected ${count} row numbers for its ${count} predictions but received ${rows.length}`,
      {
        hint: 'list in "rows" of the .json file which row of the data each prediction is for',
      },
    )
  const places = new Map(rows.map((row, place) => [row, place]))
  if (places.size < count)
    throw new LvmError(
      'DATA_SHAPE',
      `${path}: expected one prediction for each row but row ${rows.find((row, i) => places.get(row) !== i)} has several`,
      {
        hint: 'keep one of them',
      },
    )
  return {
    path,
    sha256: await sha256(path),
    dim: dim!,
    output: index.scale === 'unit' ? 'unit' : (index.output ?? 'raw'),
    hash: index.data?.hash,
    trainedOn: index.trained_on ?? null,
    part: PARTS.find((part) => part === index.part),
    vectors: await loadTensor(array),
    places,
    windows: (given) => {
      const data = given ?? index.data?.path
      if (data === undefined)
        throw badOption(path, 'data', 'a file of vectors, because its .json file names none,', undefined, 'add --data FILE')
      return { data, reach: reachOf(path, index), cross: index.split?.mode === 'windows' }
    },
  }
}
