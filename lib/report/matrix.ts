import { architectures } from '../architectures/index.js'
import { sizeOf } from '../architectures/size.js'
import { skillSentence } from '../evaluate/results-table.js'
import type { TierName } from '../evaluate/tiers.js'
import { trainedOnNote } from '../evaluate/trained-on.js'
import { count, counted, fixed, millions } from '../show.js'
import type { Architecture } from '../spec/architecture.js'
import { countParameters } from '../spec/count.js'
import type { Cell } from '../sweep/cells.js'
import { basesOf, basisOf } from './basis.js'
import { EXPECTED_SCORE } from './expected-scores.js'
import type { ReportedRun, Sourced } from './reported-runs.js'

export type Status =
  | 'complete'
  | 'other size'
  | 'untrained'
  | 'interrupted'
  | 'running'
  | 'damaged'
  | 'failed'
  | 'out of budget'
  | 'queued'
  | 'not trained'

/** One row of the matrix of the specification. */
export interface MatrixRow {
  readonly row: number | null
  readonly model: string
  readonly architecture: string
  readonly target_parameters: number | null
  readonly parameters: number
  readonly status: Status
  /** Reason for missing figures. */
  readonly why: string | null
  readonly run: string | null
  readonly val_loss: Sourced | null
  readonly val_cosine: Sourced | null
  readonly train_seconds: Sourced | null
  readonly model_file: string | null
  /** Preset with the size of the run; null for any other size or without a run. */
  readonly preset: string | null
  /** Number of the six criteria on loss and cosine (three tiers) that a run of the row's size meets, and the highest tier that it meets entirely. */
  readonly success: { readonly met: number; readonly of: number; readonly tier: TierName | 'none' } | null
  /** Share that the specification expects. */
  readonly expected_score: number | null
  readonly notes: readonly string[]
}

/** Whether the run of a row was made with a preset that is smaller than the row. */
export const smallPreset = ({ preset, run }: MatrixRow): boolean => run !== null && preset !== null && preset !== 'target'

const SHAPE = { dim: 768, context: 5 }

/** Counts the criteria on predictions that a run meets; criteria on cost do not count. */
export function successOf({ tiers }: Pick<ReportedRun, 'tiers'>): MatrixRow['success'] {
  if (tiers === null) return null
  const criteria = Object.values(tiers).flatMap(({ criteria: { val_loss, val_cosine } }) => [val_loss!, val_cosine!])
  const tier = (['stretch', 'target', 'minimum'] as const).find((name) => tiers[name].pass === true) ?? 'none'
  return { met: criteria.filter(({ pass }) => pass === true).length, of: criteria.length, tier }
}

/** Notes that are needed to interpret a run's figures. */
export function notesOf(run: ReportedRun): string[] {
  const { validation: v, lineage, best_epoch, epochs } = run
  return [
    ...(lineage?.split?.leaky ? ['leaky'] : []),
    ...(lineage !== null && !run.ended ? ['no epoch has ended: these weights are untrained'] : []),
    ...(best_epoch === null ? [] : [`best epoch ${best_epoch} of ${epochs}`]),
    ...(v === null ? [] : [skillSentence({ run: '', skill: v.skill }).slice(2)]),
    ...(v === null ? [] : trainedOnNote(v)),
    ...(v?.folds ? [`pooled over ${v.folds.count} folds: every one of ${counted(v.articles, 'article')} held out once`] : []),
    ...(v !== null && v.folds === undefined && v.rows !== 'val' ? [`${v.rows} rows: cosine ${fixed(v.cosine.mean, 4)}`] : []),
    ...(v === null && run.validation_note !== null && run.state === 'complete' ? [run.validation_note] : []),
  ]
}

const STATUS = { complete: 'complete', interrupted: 'interrupted', running: 'running', damaged: 'damaged' } as const

/** Status of a model without a complete run, from the sweep. */
function planned(cell: Cell | undefined): { status: Status; why: string | null } {
  if (cell === undefined) return { status: 'not trained', why: null }
  if (cell.state === 'failed') return { status: 'failed', why: cell.error && `${cell.error.code}: ${cell.error.message}` }
  if (cell.state === 'out of budget') {
    const why = cell.seconds > 0 ? 'its share of the budget was too short' : 'the budget was used up before this model'
    return { status: 'out of budget', why: `${why}; the next call of sweep goes on` }
  }
  return { status: 'queued', why: null }
}

/** Returns the run that represents a model: of the row's size, if one has it; in the usual folder, if one is there; else of the lowest loss. */
function runOf(runs: readonly ReportedRun[], { name, folder, row }: Kind): ReportedRun | undefined {
  const own = runs.filter((run) => run.model === name || run.run === folder)
  const ofSize = own.filter((run) => run.state === 'complete' && sizeIn(run, row).fits)
  const choice = ofSize.length > 0 ? ofSize : own
  const loss = ({ val_loss }: ReportedRun) => val_loss?.value ?? Infinity
  return choice.find(({ run }) => run === folder) ?? choice.toSorted((a, b) => loss(a) - loss(b))[0]
}

/** Compares the size of a run with its row; outside the matrix every size fits. */
function sizeIn({ model, parameters, dim, context }: ReportedRun, row: number | null) {
  if (model === null || parameters === null || dim === null || context === null) return { preset: null, fits: false }
  const { preset, fits } = sizeOf(model, { dim, context, parameters })
  return { preset, fits: fits || row === null }
}

/** A model that has a row in the matrix. */
interface Kind extends Pick<Architecture, 'row' | 'name' | 'title' | 'folder' | 'target'> {
  /** Parameters of the preset `target`; 0 for an architecture of one's own, which only its runs describe. */
  readonly parameters: number
}

/** Models of this package, and architectures of one's own that have runs or are to be trained. */
function kindsOf(runs: readonly ReportedRun[], cells: readonly Cell[]): Kind[] {
  const known = architectures.map((a) => ({ ...a, parameters: countParameters(a.spec(SHAPE, a.presets.target).node) }))
  const named = [...runs, ...cells].flatMap(({ model }) => (model === null ? [] : [model]))
  const own = new Set(named.filter((model) => architectures.every(({ name }) => name !== model)).sort())
  return [...known, ...Array.from(own, (name) => ({ row: null, name, title: name, folder: name, target: null, parameters: 0 }))]
}

/** Returns the rows of the matrix, followed by trained models outside it. */
export function matrixOf(runs: readonly ReportedRun[], cells: readonly Cell[], runsPath: string): MatrixRow[] {
  const kinds = kindsOf(runs, cells)
  const chosen = kinds.map((kind) => runOf(runs, kind))
  const several = basesOf(chosen.map((run) => run?.lineage ?? null)) > 1
  return kinds.flatMap(({ row, name, title, target, parameters }, i): MatrixRow[] => {
    const run = chosen[i]
    const own = cells.filter((c) => c.model === name)
    const cell = own.find(({ state }) => state !== 'done') ?? own[0] // of several folds or seeds, the one that needs attention
    if (row === null && run === undefined && cell === undefined) return []
    const failed = cell?.state === 'failed' || (cell?.state === 'out of budget' && run?.state !== 'complete')
    const plan = planned(cell)
    const size = run && sizeIn(run, row)
    const done = run?.state !== 'complete' ? undefined : !run.ended ? 'untrained' : size!.fits ? 'complete' : 'other size'
    const state = done ?? (run === undefined || failed ? plan.status : STATUS[run.state])
    const seconds = run?.train_seconds ?? null
    const basis = run && basisOf(run.lineage)
    return [
      {
        row,
        model: name,
        architecture: title,
        target_parameters: target,
        parameters: run?.parameters ?? parameters,
        preset: size?.preset ?? null,
        status: state,
        why: failed ? plan.why : run?.problem ? `${run.problem.code}: ${run.problem.message}` : null,
        run: run?.run ?? null,
        val_loss: run?.val_loss ?? null,
        val_cosine: run?.val_cosine ?? null,
        train_seconds: seconds === null ? null : { value: seconds, file: 'manifest.json', key: 'train_seconds' },
        model_file:
          run?.lineage && run.validation?.folds === undefined ? `${runsPath}/${run.run}/${run.lineage.weights_file}` : null,
        success: run && size!.fits ? successOf(run) : null,
        expected_score: EXPECTED_SCORE[name] ?? null,
        notes: run
          ? [
              ...(size!.fits || run.parameters === null ? [] : [otherSize(run.parameters, size!.preset, target)]),
              ...(several && basis ? [basis.text] : []),
              ...notesOf(run),
            ]
          : [],
      },
    ]
  })
}

const otherSize = (parameters: number, preset: string | null, target: number | null) =>
  `${count(parameters)} parameters${preset === null ? '' : ` (preset ${preset})`}, not the ${target === null ? 'size' : millions(target)} of this row`
