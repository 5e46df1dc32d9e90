import { readFile } from 'node:fs/promises'
import { asyncDoor, word } from '../../door.js'
import { asLvmError, badOption, LvmError } from '../../errors.js'
import { wholeDocument } from '../../files/sealed.js'
import { percent } from '../../show.js'
import { quantile } from '../../statistics/estimates.js'
import { randomIndex } from '../../statistics/random-index.js'
import type { FullBenchmark } from './benchmark.js'
import type { BlockLatency } from './blocks.js'

export type Speedwise = 'no change' | 'slower' | 'faster'
/** Two measurements of one batch size. Ratios are after ÷ before, with a 99 % bootstrap interval over the rounds. */
export interface Pace {
  readonly device: string
  readonly batch: number
  readonly before_ms: number
  readonly after_ms: number
  readonly ratio: number
  readonly ci99: readonly [number, number]
  /** The ratio of times in units of the reference product, which cancels the speed of the machine. */
  readonly relative: { readonly ratio: number; readonly ci99: readonly [number, number] }
  readonly verdict: Speedwise
}
/** Result of `benchmark compare`. */
export interface PaceComparison {
  readonly version: 1
  readonly before: string
  readonly after: string
  readonly runs: readonly { readonly before: string; readonly after: string; readonly paces: readonly Pace[] }[]
  /** Runs and devices that only one of the documents has. */
  readonly unmatched: readonly string[]
  readonly regressions: number
}

/** Smaller changes count as noise: memory layout alone makes equal programs differ by this much. */
const MARGIN = 0.05
const RESAMPLES = 2000
const FEWEST = 5

const median = (values: Float64Array) => quantile(values.sort(), 0.5)

/** A figure of the rounds with these indices. */
type Figure = (rounds: Int32Array) => number

/** Returns the ratio of a figure after and before, with its interval by bootstrap over the rounds. */
function ratioOf(before: BlockLatency, after: BlockLatency, figure: (block: BlockLatency) => Figure) {
  const draw = randomIndex(0)
  const [was, is] = [figure(before), figure(after)]
  const all = ({ blocks_ms }: BlockLatency) => Int32Array.from(blocks_ms, (_, i) => i)
  const [a, b] = [all(before), all(after)]
  const again = (rounds: Int32Array) => rounds.map(() => draw(rounds.length))
  const ratios = Float64Array.from({ length: RESAMPLES }, () => is(again(b)) / was(again(a))).sort()
  return { ratio: is(b) / was(a), ci99: [quantile(ratios, 0.005), quantile(ratios, 0.995)] as const }
}

const middle = (values: readonly number[], rounds: Int32Array) => median(Float64Array.from(rounds, (round) => values[round]!))
const time =
  ({ blocks_ms }: BlockLatency): Figure =>
  (rounds) =>
    middle(blocks_ms, rounds)
/** Time in units of the reference product, which cancels the speed and load of the machine. */
const relativeTime =
  ({ blocks_ms, reference_ms }: BlockLatency): Figure =>
  (rounds) =>
    middle(blocks_ms, rounds) / middle(reference_ms, rounds)

/** Compares two measurements: slower or faster only when the times and their ratios to the reference product agree. */
export function compareBlocks(before: BlockLatency, after: BlockLatency): Omit<Pace, 'device' | 'batch'> {
  const plain = ratioOf(before, after, time)
  const relative = ratioOf(before, after, relativeTime)
  const both = [plain, relative]
  const verdict = both.every(({ ci99 }) => ci99[0] > 1 + MARGIN)
    ? 'slower'
    : both.every(({ ci99 }) => ci99[1] < 1 / (1 + MARGIN))
      ? 'faster'
      : 'no change'
  return { before_ms: before.p50_ms, after_ms: after.p50_ms, ...plain, relative, verdict }
}

/** Reads the runs of a document of `benchmark`. Errors: FILE_MISSING, DATA_FORMAT. */
async function readBenchmarks(path: string): Promise<FullBenchmark[]> {
  const broken = (why: string, cause?: unknown) =>
    new LvmError('DATA_FORMAT', `${path}: expected runs that lvm-torch benchmark measured but ${why}`, {
      cause,
      hint: 'measure them with: lvm-torch benchmark RUN --out FOLDER',
    })
  let document: { version?: number; runs?: FullBenchmark[] }
  try {
    document = wholeDocument(path, await readFile(path, 'utf8'))
  } catch (error) {
    throw asLvmError(error)
  }
  const runs = Array.isArray(document?.runs) ? document.runs.filter(({ devices }) => Array.isArray(devices)) : []
  if (document?.version !== 1 || runs.length === 0) throw broken('there are none')
  const bad = runs.flatMap(({ devices }) => devices.flatMap(({ batches }) => batches)).find(unsound)
  if (bad !== undefined) throw broken(`the rounds at batch ${bad.batch} are damaged, or fewer than ${FEWEST}`)
  return runs
}

function unsound({ blocks_ms: blocks, reference_ms: references }: BlockLatency): boolean {
  const sound = (values: unknown) =>
    Array.isArray(values) && values.length >= FEWEST && values.every((value) => Number.isFinite(value) && value > 0)
  return !sound(blocks) || !sound(references) || blocks.length !== references.length
}

/** Pairs runs of the same name; two documents of one run each make one pair. */
function paired(before: readonly FullBenchmark[], after: readonly FullBenchmark[]): [FullBenchmark, FullBenchmark][] {
  if (before.length === 1 && after.length === 1) return [[before[0]!, after[0]!]]
  return before.flatMap((a) => after.flatMap((b): [FullBenchmark, FullBenchmark][] => (a.run === b.run ? [[a, b]] : [])))
}

type Compared = { comparison: PaceComparison; failure: LvmError | undefined }
const ARGS = { before: word, after: word }

/**
 * Compares two documents of `benchmark`; `failure` is a GATE_FAILED error that names every regression beyond noise.
 *
 * Errors: FILE_MISSING, DATA_FORMAT; BAD_OPTION when the documents have no comparable run.
 */
export const compareBenchmarks = asyncDoor('benchmark', ARGS, async (before: string, after: string): Promise<Compared> => {
  const [a, b] = [await readBenchmarks(before), await readBenchmarks(after)]
  const pairs = paired(a, b)
  if (pairs.length === 0)
    throw badOption('benchmark compare', 'after', `a document with one of ${a.map(({ run }) => run).join(', ')}`, after)
  const runs: { before: string; after: string; paces: Pace[] }[] = []
  const unmatched = [...a, ...b].flatMap((run) => (pairs.some((pair) => pair.includes(run)) ? [] : [run.run]))
  for (const [one, other] of pairs) {
    const paces: Pace[] = []
    for (const device of one.devices) {
      const same = other.devices.find((found) => found.device === device.device)
      if (same === undefined) {
        unmatched.push(`${one.run} on ${device.device}`)
        continue
      }
      const [was, is] = [`${one.machine.cpu}, ${device.threads} threads`, `${other.machine.cpu}, ${same.threads} threads`]
      if (was !== is) throw badOption('benchmark compare', 'after', `a document measured on ${was}`, is)
      for (const block of device.batches) {
        const now = same.batches.find(({ batch }) => batch === block.batch)
        if (now !== undefined) paces.push({ device: device.device, batch: block.batch, ...compareBlocks(block, now) })
      }
    }
    runs.push({ before: one.run, after: other.run, paces })
  }
  const slower = runs.flatMap(({ after: run, paces }) =>
    paces.flatMap(({ verdict, batch, device, ratio }) =>
      verdict === 'slower' ? [`${run} at batch ${batch} on ${device} by ${percent(ratio - 1, 0)}`] : [],
    ),
  )
  const comparison = { version: 1 as const, before, after, runs, unmatched, regressions: slower.length }
  const failure =
    slower.length === 0
      ? undefined
      : new LvmError('GATE_FAILED', `benchmark compare: expected nothing slower but ${slower.join(', ')}`)
  return { comparison, failure }
})
