import { pageDoor } from '../../door.js'
import { trainedOnNote } from '../../evaluate/trained-on.js'
import { byQuantiles, type WindowSentences } from '../../evaluate/window-sentences.js'
import { aligned, counted, decimal, percent, span } from '../../show.js'
import type { Analysis, Example } from './analysis-entry.js'
import type { Bin } from './bins.js'
import { cut } from './groups.js'

/** Longest list of bins that is shown. */
const SHOWN = 8

const bins = (title: string, list: readonly Bin[] | null): string[] =>
  list === null || list.length === 0
    ? []
    : [
        aligned([
          [title, 'windows', 'articles', 'cosine', '95 %'],
          ...list
            .slice(0, SHOWN)
            .map((b) => [cut(b.label, 40), String(b.n), String(b.articles), decimal(b.cosine.mean), span(b.cosine.ci95)]),
        ]) + (list.length > SHOWN ? `\n… and ${list.length - SHOWN} more in error_analysis.json` : ''),
      ]

function clusters({ clusters: list, confusion, agreement }: Analysis): string {
  const other = (i: number) => {
    const wrong = confusion[i]!.map((n, j) => ({ n, j })).filter(({ j }) => j !== i)
    const most = wrong.reduce((a, b) => (b.n > a.n ? b : a), { n: 0, j: -1 })
    return most.n === 0 ? '–' : `${most.j} (${most.n})`
  }
  return [
    aligned([
      ['cluster', 'windows', 'cosine', 'kept', 'confused with'],
      ...list.map((c, i) => [
        `${c.id}  ${cut(c.name, 50)}`,
        String(c.n),
        c.n === 0 ? '–' : decimal(c.cosine.mean),
        c.n === 0 ? '–' : `${Math.round((100 * confusion[i]![i]!) / c.n)} %`,
        other(i),
      ]),
    ]),
    `prediction and target in the same cluster: ${percent(agreement.value)} (chance ${percent(agreement.chance)}, κ ${agreement.kappa.toFixed(2)})`,
  ].join('\n')
}

const example = (e: Example) =>
  [
    `${decimal(e.cosine)}  ${e.title ?? e.article ?? ''} · row ${e.row}`,
    ...(e.target === null
      ? []
      : [
          `       context:   ${cut(e.context!, 100)}`,
          `       true next: ${cut(e.target, 100)}`,
          `       nearest:   ${cut(e.predicted!, 100)} (cosine ${decimal(e.predicted_cosine)})`,
        ]),
  ].join('\n')

const window = (w: WindowSentences) =>
  [
    `${decimal(w.cosine)}  ${w.title ?? w.article ?? ''} · row ${w.row}`,
    ...(w.context.length > 0 ? [`       context:   ${cut(w.context.at(-1)!, 160)}`] : []),
    `       true next: ${cut(w.target, 160)}`,
    ...(w.nearest === null ? [] : [`       nearest:   ${cut(w.nearest.text, 160)} (cosine ${decimal(w.nearest.cosine)})`]),
  ].join('\n')

const sentences = (list: Analysis['sentences']): string[] =>
  list
    ? [
        `${byQuantiles(list.length)}; nearest: the stored sentence nearest to the prediction, with its cosine, without the context, not generated\n${list.map(window).join('\n')}`,
      ]
    : []

/** An error analysis as text for the terminal. */
export const renderAnalysis = pageDoor('renderAnalysis', 'analyze', (a: Analysis): string => {
  const { ood } = a
  return [
    `${a.run} (${a.model}) · ${counted(a.n, 'window')} of ${counted(a.articles, 'article')} · ${a.rows} rows of ${a.data.path} · seed ${a.seed}`,
    `cosine ${decimal(a.cosine.mean)}  ${span(a.cosine.ci95)}`,
    ...(a.note ? [a.note] : []),
    ...trainedOnNote(a),
    ...bins('article length', a.by_length),
    ...bins('position in the article', a.by_position),
    ...bins('similarity to the training rows', a.by_similarity),
    ...(a.similarity_correlation === null ? [] : [`correlation of cosine and similarity: ${decimal(a.similarity_correlation)}`]),
    ...bins('category', a.by_category),
    ...bins('article', a.by_article),
    clusters(a),
    ...(ood === null
      ? []
      : [
          `${ood.path}: cosine ${decimal(ood.cosine.mean)}  ${span(ood.cosine.ci95)}, ${counted(ood.n, 'window')} of ${counted(ood.articles, 'article')}`,
        ]),
    ...(a.projection.method === 'none'
      ? []
      : [
          `${a.projection.points} points projected to a plane by ${a.projection.method}${a.projection.divergence === null ? '' : `, divergence ${a.projection.divergence.toFixed(3)}`}`,
        ]),
    `best windows, by the cosine with the true next vector; nearest: the stored row nearest to the prediction, the context included, not generated\n${a.best.slice(0, 3).map(example).join('\n')}`,
    `worst windows\n${a.worst.slice(0, 3).map(example).join('\n')}`,
    ...sentences(a.sentences),
    `figures of each window: ${a.csv} in the folder of the report`,
  ].join('\n\n')
})
