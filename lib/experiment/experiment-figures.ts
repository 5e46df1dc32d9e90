import { type Axis, bars, type Figure, lines, scatter } from '../report/figures/index.js'
import { kebab } from '../show.js'
import type { ExperimentReport } from './experiment-document.js'
import { positionOf } from './search-space.js'
import { methodText, scoreText } from './shown-scores.js'

/** Figures of an experiment: the best score so far, each searched range, importance, and searched against confirmed scores. */
export function experimentFigures(r: ExperimentReport): Figure[] {
  const { plan, curve, runs, importance } = r
  const y: Axis = { title: plan.metric, show: (value) => scoreText(plan.metric, value) }
  const points = curve.flatMap(({ number, score }) => (score === null ? [] : [{ x: number, y: score }]))
  const note = `${methodText(plan.method)}, seed ${plan.seed}; ${plan.halving === null ? '' : 'first round, '}${curve.length} runs, ${curve.length - points.length} failed`
  const models = Object.keys(plan.spaces)
  const figures: Figure[] = []
  if (points.length > 1) {
    const best = curve.flatMap(({ number, best }): [number, number][] => (best === null ? [] : [[number, best]]))
    const each = points.map((p): [number, number] => [p.x, p.y])
    figures.push(
      lines({
        name: 'best_so_far',
        title: 'Best score so far',
        note,
        x: { title: 'run', whole: true },
        y,
        lines: [
          { name: 'best so far', points: best },
          { name: 'each run', points: each, dashed: true },
        ],
      }),
    )
  }
  const keys = [...new Set(models.flatMap((model) => Object.keys(plan.spaces[model]!.search)))]
  for (const key of keys) {
    const of = runs.filter(
      (run) =>
        run.stage === 'search' &&
        run.rung === 0 &&
        run.score !== null &&
        typeof run.options[key] === 'number' &&
        key in plan.spaces[run.model]!.search,
    )
    if (of.length < 3 || new Set(of.map(({ options }) => options[key])).size < 2) continue
    const domain = plan.spaces[of[0]!.model]!.search[key]!.domain
    const log =
      domain.kind === 'range' &&
      domain.log &&
      of.every(({ options, model }) => positionOf(plan.spaces[model]!.search[key]!.domain, options[key]!) >= 0)
    figures.push(
      scatter({
        name: `by_${key}`,
        title: `Score by ${kebab(key)}`,
        note,
        x: { title: kebab(key), ...(log && { log }) },
        y,
        ...(models.length > 1 && { groups: models }),
        points: of.map((run) => ({
          x: Number(run.options[key]),
          y: run.score!,
          group: models.indexOf(run.model),
          tip: `${run.id}: ${scoreText(plan.metric, run.score)}`,
        })),
      }),
    )
  }
  if (importance.length > 0)
    figures.push(
      bars({
        name: 'importance',
        title: 'Share of the order that each option explains',
        note: r.importance_note,
        value: { title: 'share of rank variance', range: [0, 1] },
        bars: importance.map(({ field, explained }) => ({ name: kebab(field), value: explained })),
      }),
    )
  const confirmed = r.verdict.confirmed.filter(({ confirmed }) => confirmed !== null)
  if (confirmed.length > 0)
    figures.push(
      bars({
        name: 'confirmed',
        title: 'Confirmed scores',
        note: `mean over up to ${plan.confirm.seeds} fresh seeds, 95 % interval of Student's t`,
        value: y,
        bars: confirmed.map(({ config, confirmed: found }) => ({
          name: `configuration ${config}`,
          value: found!.mean,
          ci95: found!.ci95,
        })),
      }),
    )
  return figures
}
