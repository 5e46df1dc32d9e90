import type { Base } from '../data/base.js'
import { makeWindows, runLengths, type Windows } from '../data/windows.js'
import { watchCpuShare } from '../libtorch/cpu-share.js'
import { counted } from '../show.js'
import { stage } from '../stages.js'
import { describe } from '../statistics/estimates.js'
import { type Histogram, histogram } from '../statistics/histogram.js'
import type { SpaceCheck } from '../text/space/check-space.js'
import type { Tensor } from '../torch/tensor.js'
import { allAlike, type Finding, type Level, worst } from './audit-findings.js'
import type { AuditedFile } from './audited-file.js'
import { borderFinding } from './borders.js'
import { nearByChance, randomPairs } from './chance-level.js'
import { type ClusteredMean, clusteredMean } from './clustered-mean.js'
import { compareFiles } from './compare-files.js'
import { type Duplicates, duplicatesOf } from './duplicates.js'
import { type Drawn, splitFinding } from './leak.js'
import { mixedFinding } from './mixed.js'
import { basisOf } from './near-duplicates.js'
import { type Passed, pass } from './neighbour-pass.js'
import { type Region, regionFinding, regionsOf } from './regions.js'
import { rowFindings } from './row-findings.js'
import { orderFinding } from './row-order.js'
import { alike, type Spectrum, spectrumOf } from './spectrum.js'
import { spreadFindings } from './spread-findings.js'
import { type Sufficiency, sufficiencyFinding, sufficiencyOf } from './sufficiency.js'
import { sequenceTargets } from './target-findings.js'
import { type Clusters, clustersOf, tableOf } from './unit-table.js'
import { targetLag, type WindowCosines, windowCosines } from './window-cosines.js'

/** Largest lag of the curve. */
const LAGS = 10
/** audit.json */
export interface Audit {
  readonly version: 1
  readonly path: string
  readonly hash: string
  readonly kind: Base['kind']
  readonly part: string | null
  readonly space: string | null
  /** Texts that were encoded again with `encoder`; null without it. */
  readonly encoder: SpaceCheck | null
  readonly rows: number
  readonly dim: number
  readonly dtype: string
  readonly context: number
  readonly verdict: Level
  readonly findings: readonly Finding[]
  readonly lengths: { readonly min: number; readonly max: number; readonly mean: number; readonly histogram: Histogram }
  readonly random_pairs: { readonly mean: number; readonly sd: number; readonly pairs: number; readonly histogram: Histogram }
  readonly adjacent: { readonly mean: number; readonly sd: number; readonly pairs: number; readonly histogram: Histogram }
  readonly lags: readonly {
    readonly lag: number
    readonly cosine: number
    readonly ci95: ClusteredMean['ci95']
    readonly pairs: number
  }[]
  readonly regions: readonly Region[]
  readonly spectrum: Spectrum
  readonly duplicates: Duplicates
  readonly sufficiency: Sufficiency
  readonly against: readonly {
    readonly path: string
    readonly hash: string
    readonly part: string | null
    readonly space: string | null
    readonly rows: number
    readonly findings: readonly Finding[]
  }[]
  readonly seconds: number
  readonly cpu_share?: number | null // absent in cached audits of earlier versions
}

interface Opened extends AuditedFile {
  readonly windows: Windows
  readonly cosines: WindowCosines
  readonly pairs: Float64Array
  readonly directions: Tensor
  readonly passed: Passed
  [Symbol.dispose](): void
}

/** Computes the data that all checks of one file share. */
async function read(base: Base, o: { context: number; cross?: boolean }): Promise<Opened> {
  const windows = makeWindows(base, Math.min(o.context, base.context ?? o.context), o)
  const table = await tableOf(base.targets ?? base.vectors)
  const clusters = clustersOf(base)
  const once = await stage('neighbours and lags', () => pass(table, base.kind === 'base' ? runLengths(base) : undefined, LAGS))
  const cosines = await stage('cosines in windows', () => windowCosines(base, windows))
  const inside = cosines.inside.map((values, i) => ({ lag: i + 1, rows: cosines.ids, cosines: values }))
  const passed = { ...once, lags: base.kind === 'base' ? once.lags : inside }
  const { spectrum, directions } = await stage('spectrum', () => spectrumOf(passed))
  const pairs = await randomPairs(table, base.articles?.of, 0)
  const floor = pairs.length > 0 ? describe(pairs).mean : 0
  const [first] = passed.lags
  const adjacent = first !== undefined && first.cosines.length > 0 ? describe(first.cosines).mean : floor
  const dispose = () => {
    once[Symbol.dispose]()
    directions.dispose()
  }
  return {
    base,
    table,
    windows,
    cosines,
    clusters,
    passed,
    spectrum,
    directions,
    pairs,
    floor,
    adjacent,
    [Symbol.dispose]: dispose,
  }
}

/** Windows cut from a base never contain their target, so only the lag is checked. */
const targetFindings = async ({ base, cosines }: Opened, clusters: Clusters): Promise<Finding[]> =>
  base.kind === 'base' ? [await targetLag(cosines, clusters)] : sequenceTargets(cosines, clusters)

async function lagCurve({ passed, clusters }: Opened): Promise<Audit['lags']> {
  const curve = []
  for (const { lag, rows, cosines } of passed.lags) {
    if (rows.length === 0) continue
    const { mean, ci95, n } = await clusteredMean(cosines, rows, clusters)
    curve.push({ lag, cosine: mean, ci95, pairs: n })
  }
  return curve
}

function described(values: Float64Array) {
  const { mean, sd } = values.length > 0 ? describe(values) : { mean: 0, sd: 0 }
  return { mean, sd, pairs: values.length, histogram: histogram(values, -1, 1, 100) }
}

type BaseAuditOptions = {
  context: number
  cross?: boolean
  against?: readonly Base[]
  split?: Drawn
  say?: (doing: string) => void
}

/** Runs the checks of one file, in the order of the page. */
async function ownFindings(own: Opened, o: BaseAuditOptions, basis: Tensor, chance: number) {
  const { base, table, windows, passed, clusters, spectrum, floor } = own
  const tables: [typeof table, number][] = [[table, 1]]
  if (base.targets !== undefined) tables.unshift([await tableOf(base.vectors), base.context!])
  const first = passed.lags[0]
  const regions = first === undefined ? [] : regionsOf(first, clusters)
  const order =
    base.kind === 'base' ? [await stage('order', () => orderFinding(table, passed, clusters, { floor, spectrum }))] : []
  const sufficiency = sufficiencyOf(base, windows)
  o.say?.('copies and near-copies')
  const { findings: twice, duplicates } = await stage('duplicates', () => duplicatesOf(own, basis, chance))
  const windowClusters = { ...clusters, of: Int32Array.from(windows.target, (row) => clusters.of[row]!) }
  const findings = [
    ...rowFindings(base, tables, windows),
    ...spreadFindings(own),
    ...order,
    regionFinding(regions, floor),
    ...(base.kind === 'base' ? [await stage('borders', () => borderFinding(base, table, first, floor))] : []),
    await stage('mixed', async () =>
      alike(spectrum) ? allAlike('MIXED') : mixedFinding(table, clusters, base.articles?.of ?? clusters.of, own.directions),
    ),
    ...(await stage('targets', () => targetFindings(own, windowClusters))),
    ...twice,
    await stage('split', () => splitFinding(own, windows, o.split, { basis, chance, adjacent: own.adjacent })),
    sufficiencyFinding(sufficiency),
  ]
  return { findings, regions, duplicates, sufficiency }
}

/** Compares a file with each of the others. */
async function againstOthers(own: Opened, o: BaseAuditOptions, basis: Tensor, chance: number): Promise<Audit['against']> {
  const against: Audit['against'][number][] = []
  for (const other of o.against ?? []) {
    o.say?.(`comparing with ${other.path}`)
    using there = await read(other, o)
    const { path, hash, part, space, rows } = other
    const found = await compareFiles(own, there, basis, chance)
    against.push({ path, hash, part: part ?? null, space: space ?? null, rows, findings: found })
  }
  return against
}

/**
 * Checks data for faults that would make a figure wrong.
 *
 * `cross`: include windows that cross article borders, as the split by windows does.
 * `split`: the split of a run; the default split is used without it.
 * `against`: other files that should have the same encoder and no rows in common, such as evaluation files.
 * Errors: those of libtorch; faults of the data are returned as findings.
 */
export async function auditBase(base: Base, o: BaseAuditOptions): Promise<Audit> {
  const [began, share] = [performance.now(), watchCpuShare()]
  o.say?.(`lengths, lags and spectrum of ${counted(base.rows, 'row')} × ${base.dim}`)
  using own = await read(base, o)
  const { table, windows, passed, spectrum, pairs } = own
  const chance = nearByChance(pairs)
  using basis = await basisOf(table, own.directions)
  const { findings, regions, duplicates, sufficiency } = await ownFindings(own, o, basis, chance)
  const against = await againstOthers(own, o, basis, chance)
  const { min, max, mean: middle } = base.norms
  return {
    version: 1,
    path: base.path,
    hash: base.hash,
    kind: base.kind,
    part: base.part ?? null,
    space: base.space ?? null,
    encoder: null,
    rows: base.rows,
    dim: base.dim,
    dtype: base.dtype,
    context: windows.context,
    verdict: worst([...findings, ...against.flatMap((file) => file.findings)]),
    findings,
    lengths: { min, max, mean: middle, histogram: histogram(table.lengths, 0, 2, 100) },
    random_pairs: described(pairs),
    adjacent: described(passed.lags[0]?.cosines ?? new Float64Array(0)),
    lags: await lagCurve(own),
    regions,
    spectrum,
    duplicates,
    sufficiency,
    against,
    seconds: (performance.now() - began) / 1000,
    cpu_share: share(),
  }
}
