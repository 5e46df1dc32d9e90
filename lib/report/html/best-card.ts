import type { BaselineName } from '../../baselines/baselines-fit.js'
import type { OutsideEntry, RunEntry } from '../../evaluate/results-file.js'
import { NAMES } from '../../evaluate/results-table.js'
import { wasTrainedOn } from '../../evaluate/trained-on.js'
import { type Html, html } from '../../page/html.js'
import { count, decimal, duration, plainName, signedDecimal, span } from '../../show.js'
import { basis } from '../figures/comparison-figures.js'
import { judgedRuns } from '../folded-runs.js'
import { lossText } from '../numbers.js'
import type { Report } from '../report-document.js'
import { wasBusy } from '../timings.js'
import { fairEntries, type SkillVerdict, skillVerdicts } from '../verdicts.js'
import { judgedGroups } from './outside-part.js'

type Entry = RunEntry | OutsideEntry
/** The best predictor on a set of windows: a run or another predictor, or the baseline that none of these is above. */
export interface Best {
  /** The best of the runs and other predictors, also where a baseline is above it. */
  readonly run: Entry
  readonly baseline: { readonly name: string; readonly cosine: number }
  readonly winner: 'run' | 'baseline'
  /** Difference to the baseline; of runs with an interval for all of them together. */
  readonly skill: Pick<SkillVerdict, 'value' | 'interval'>
}

/** Returns the best predictor of each group of comparable ones; those that allow no verdict are left out. */
export function bestOf(report: Report): Best[] {
  const runs = judgedRuns(report)
  const fair = new Set<Entry>(fairEntries(runs))
  const verdicts = new Map(skillVerdicts(runs).map((verdict) => [verdict.run, verdict]))
  const isFair = (e: Entry) => ('kind' in e ? e.skill !== null && !wasTrainedOn(e) : fair.has(e))
  return judgedGroups(report).flatMap((group) => {
    const [run] = group.filter(isFair).toSorted((a, b) => b.cosine.mean - a.cosine.mean)
    if (run === undefined || run.skill === null) return []
    const { value, ci95, against } = run.skill
    const baseline = { name: NAMES[against as BaselineName], cosine: run.baselines[against]!.cosine }
    const skill = ('kind' in run ? undefined : verdicts.get(run.run)) ?? { value, interval: ci95 }
    return [{ run, baseline, winner: value > 0 ? ('run' as const) : ('baseline' as const), skill }]
  })
}

/** States by how much the best predictor is ahead, and how sure that is. */
export function leadSentence({ run, baseline, winner, skill: { value, interval } }: Best): string {
  const [ahead, behind] = winner === 'run' ? [run.run, baseline.name] : [baseline.name, run.run]
  const lead = `${ahead} is ${decimal(Math.abs(value))} above ${behind}, the best ${winner === 'run' ? 'baseline' : 'kind' in run ? 'other predictor' : 'run'}`
  if (interval === null)
    return `${lead}; ${count(run.articles)} held-out articles are too few to tell that from chance (20 at least)`
  const [low, high] = winner === 'run' ? interval : ([-interval[1], -interval[0]] as const)
  const sure = low > 0 ? 'the difference is more than chance' : 'the two are not told apart'
  return `${lead} (95 %: ${span([low, high], signedDecimal)}): ${sure}`
}

/** Loss, size and training time of a run; nothing is known of these of other predictors. */
function costs(e: Entry, report: Report): string {
  const loss = e.output === 'raw' ? e.mse_raw : e.mse_unit
  const known = loss === null ? [] : [`loss ${lossText(loss)}`]
  if ('kind' in e)
    return [...known, ...(e.trained_on === null ? ['whether it was trained on these windows is not known'] : [])].join(' · ')
  const source = judgedRuns(report).find(({ run }) => run === e.run)
  const busy = source !== undefined && wasBusy(source)
  const time = e.train_seconds === null ? [] : [busy ? 'trained on a busy machine, so no time is given' : `${duration(e.train_seconds)} of training`] // biome-ignore format: a line
  return [...known, `${count(e.parameters)} parameters`, ...time].join(' · ')
}

function one(best: Best, report: Report): Html {
  const { run: e, baseline, winner } = best
  const link = html`<a href="#run-${plainName(e.run)}">${e.run}</a>${'kind' in e && html` <span class="tag">${e.kind}</span>`}`
  const name = winner === 'run' ? link : html`${baseline.name} <span class="tag">baseline</span>`
  const cosine = winner === 'run' ? e.cosine.mean : baseline.cosine
  const interval = winner === 'run' && e.cosine.ci95 ? ` (95 %: ${span(e.cosine.ci95)})` : ''
  return html`<div class="big">${name}</div><p>Cosine ${decimal(cosine)}${interval}: ${leadSentence(best)}.</p>
<p class="muted">${winner === 'baseline' && html`Best ${'kind' in e ? 'other predictor' : 'run'} ${link}: cosine ${decimal(e.cosine.mean)} · `}${costs(e, report)}</p>
<p class="muted">${e.data.path.split(/[\\/]/).at(-1)}, ${basis([e])}</p>`
}

/** The first card of the page: the best predictor, by how much, and how sure that is. */
export function bestCard(report: Report): Html {
  const [first, ...others] = bestOf(report)
  if (first === undefined)
    return html`<div class="card first"><h3>Best predictor</h3><p>No trained run has been evaluated on held-out windows yet. Run: lvm-torch evaluate RUN…</p></div>`
  const more =
    others.length > 0 &&
    html`<details><summary>${others.length} other set${others.length > 1 && 's'} of windows</summary><p class="muted">Only predictors on the same windows can be compared.</p>${others.map((best) => one(best, report))}</details>`
  return html`<div class="card first"><h3>Best predictor</h3>${one(first, report)}${more}</div>`
}
