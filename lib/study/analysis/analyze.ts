import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { contextMean } from '../../baselines/baselines-fit.js'
import { longDoor } from '../../control.js'
import { mainData, type WithData } from '../../data/given-data.js'
import { lastOf } from '../../data/windows.js'
import { callback, optional, withFields } from '../../door.js'
import { analyzeFields } from '../../evaluate/evaluate-fields.js'
import { type Outsider, predictorOrMany } from '../../evaluate/outside/outsider.js'
import { type Document, writeEntries } from '../../evaluate/results-file.js'
import { circumstances } from '../../evaluate/subject.js'
import { type WindowSentences, windowSentences } from '../../evaluate/window-sentences.js'
import { textHash } from '../../files/hash.js'
import { replaceText } from '../../files/write.js'
import { type Given, type Options, resolve } from '../../options.js'
import { plainName } from '../../show.js'
import { rounds, stage } from '../../stages.js'
import { sampled } from '../../statistics/random.js'
import { requireTexts } from '../../text/decode/sentence-bank.js'
import { Tensor } from '../../torch/tensor.js'
import { nearest } from '../nearest-rows.js'
import { nameOf, type OpenedPredictor, openPredictor, otherRows, requireRuns } from '../opened-predictor.js'
import type { Analysis, Example } from './analysis-entry.js'
import { csvOf } from './analysis-table.js'
import { groupsOf } from './groups.js'
import { articleId, partOf } from './part.js'
import { tsne, umap } from './project.js'
import { jointly, type Opened, type Samples, samplesOf } from './samples.js'

export const ERROR_ANALYSIS = 'error_analysis.json'

/** Options of `analyze`: the run, and any field of `analyzeFields`. */
export interface AnalyzeOptions extends WithData<Given<typeof analyzeFields>> {
  /**
   * Folder of the run, or its name below `artifacts/lvm/models`; a file of predictions (`NAME=FILE.npy`), or a function; or a list of them.
   * Predictors that are no runs are analysed on the windows of the first run, or without one on those that they name.
   */
  readonly run: string | Outsider | readonly (string | Outsider)[]
}

/** Most windows that are analysed. */
const MOST = 32_768
const EXAMPLES = 20

type Asked = Options<typeof analyzeFields>

/** Describes the windows of `order` (the best or the worst) with their texts. */
async function examples(rows: Opened, s: Samples, order: Int32Array, texts: readonly string[] | undefined): Promise<Example[]> {
  const { base, windows, ids } = rows
  using index = Tensor.from(BigInt64Array.from(order, BigInt))
  using said = await s.predictions.op('aten::index_select', 0, index)
  const table = base.targets ?? base.vectors
  const { row: near, cosine } = await nearest(
    said,
    table,
    Int32Array.from({ length: table.shape[0]! }, (_, i) => i),
  )
  const text = (row: number) => (base.kind === 'base' ? (texts?.[row] ?? null) : null)
  return Array.from(order, (i, at): Example => {
    const id = ids[i]!
    const article = articleId(rows, id)
    return {
      row: windows.target[id]!,
      article,
      title: article === null ? null : (base.titles?.get(article) ?? null),
      cosine: s.cosine[i]!,
      context: text(lastOf(windows, id)),
      target: text(windows.target[id]!),
      predicted: text(near[at]!),
      predicted_row: near[at]!,
      predicted_cosine: cosine[at]!,
    }
  })
}

/** Projects targets and predictions of sampled windows to one plane. */
async function projected(s: Samples, o: Asked) {
  const places = sampled(Int32Array.from(s.cosine.keys()), o.points, o.seed)
  if (o.projection === 'none' || places.length < 8)
    return { places: new Int32Array(0), plane: new Float64Array(0), divergence: null, method: 'none' as const }
  using joint = await jointly(s, places)
  const made = o.projection === 'tsne' ? await tsne(joint) : await umap(joint, o.seed)
  return { places, plane: made.places, divergence: made.divergence, method: o.projection }
}

async function other({ chosen, output, predict, read }: OpenedPredictor, o: Asked, say: (line: string) => void) {
  if (o.ood === undefined || predict === undefined) return undefined
  say(`analysing ${o.ood}`)
  const opened = await otherRows(chosen, o.ood, o.space)
  const rows = { ...opened, ids: sampled(opened.ids, MOST, o.seed) }
  const samples = await samplesOf(rows, read(rows), { output, train: chosen.train })
  return { rows, samples, part: await partOf(o.ood, rows, samples, o.seed) }
}

/** Describes windows at evenly spaced quantiles of the cosine. Errors: TEXT_MISSING. */
async function sentences(rows: Opened, s: Samples, { read }: OpenedPredictor): Promise<readonly WindowSentences[]> {
  await requireTexts(rows.base, 'data')
  const found = await windowSentences({ rows, cosine: s.cosine, predict: read(rows), baseline: contextMean })
  return found ?? []
}

const freed = (s: Samples | undefined) => {
  s?.predictions.dispose()
  s?.targets.dispose()
}

async function entryOf(of: OpenedPredictor, o: Asked, say: (line: string) => void): Promise<Analysis> {
  const { chosen } = of
  let beside: Awaited<ReturnType<typeof other>>
  let s: Samples | undefined
  try {
    const rows = { base: chosen.base, windows: chosen.windows, ids: sampled(chosen.ids, MOST, o.seed) }
    const { train, base } = chosen
    say(`predicting ${rows.ids.length} windows of ${base.path}`)
    s = await stage('predict and compare', () => samplesOf(rows, of.read(rows), { output: of.output, train }))
    const texts = await base.texts()
    const known = train === undefined || train.base === base ? texts : await train.base.texts()
    say(`clustering them (${o.clusters} clusters)`)
    const groups = await stage('clusters', () => groupsOf(rows, s!, { train, texts: known, k: o.clusters, seed: o.seed }))
    if (o.projection !== 'none') say(`projecting ${2 * Math.min(o.points, rows.ids.length)} points to a plane (${o.projection})`)
    const plane = await stage('project', () => projected(s!, o))
    beside = await other(of, o, say)
    const order = Int32Array.from(s.cosine.keys()).sort((a, b) => s!.cosine[b]! - s!.cosine[a]! || a - b)
    const csv = join('analysis', `${plainName(of.name)}.csv`)
    await mkdir(dirname(join(o.out, csv)), { recursive: true })
    const table = await stage('csv', () => csvOf({ rows, samples: s!, ...groups, ...plane }, beside))
    await replaceText(dirname(join(o.out, csv)), csv.slice('analysis/'.length), table)
    const { clusters, confusion, agreement } = groups
    return {
      run: of.name,
      model: of.model,
      weights_sha256: of.hash,
      note: of.note,
      rows: chosen.part,
      trained_on: of.trainedOn(rows),
      split: circumstances(chosen).split,
      windows: chosen.ids.length,
      seed: o.seed,
      data: { path: base.path, hash: base.hash, space: base.space ?? null },
      ...(await stage('groups', () => partOf(base.path, rows, s!, o.seed))),
      clusters,
      confusion,
      agreement,
      projection: { method: plane.method, points: 2 * plane.places.length, divergence: plane.divergence },
      best: await stage('examples', () => examples(rows, s!, order.slice(0, EXAMPLES), texts)),
      worst: await stage('examples', () => examples(rows, s!, order.slice(-EXAMPLES).reverse(), texts)),
      sentences: o.text ? await stage('sentences', () => sentences(rows, s!, of)) : null,
      ood: beside?.part ?? null,
      csv,
      csv_sha256: textHash(table),
    }
  } finally {
    freed(s)
    freed(beside?.samples)
    beside?.rows.base.dispose()
  }
}

type Say = (line: string) => void
const ANALYZE = { options: withFields({ run: predictorOrMany, data: optional(mainData) }), say: optional(callback) }

/**
 * Breaks the error of a run down by article, length, position, category, cluster and similarity to its training rows, with the best
 * and worst windows and a map of targets and predictions. Writes error_analysis.json and analysis/<run>.csv.
 *
 * Errors: those of load and of the data; DATA_TOO_FEW without windows; TEXT_MISSING; DIVERGED for outputs that are not finite.
 */
export const analyze = longDoor(
  'analyze',
  ANALYZE,
  async (options: AnalyzeOptions, say: Say = () => {}): Promise<Document<Analysis>> => {
    const { run, ...given } = options
    const all = run as readonly (string | Outsider)[] // the check makes a list of one
    const o = resolve('analyze', analyzeFields, given)
    await requireRuns(all)
    const entries: Analysis[] = []
    for (const one of rounds(all, nameOf)) {
      const of = await openPredictor(one, all, o, o.ood === undefined ? undefined : 'contexts of other data')
      try {
        entries.push(await entryOf(of, o, say))
      } finally {
        of.dispose()
      }
    }
    await writeEntries(o.out, ERROR_ANALYSIS, entries)
    return { version: 1, runs: entries }
  },
)
