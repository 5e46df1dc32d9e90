import { pageDoor } from '../../door.js'
import { aligned, counted, decimal, percent, signedDecimal, span } from '../../show.js'
import type { Diagnosis } from './diagnose-runs.js'
import type { CurvePoint, Figure } from './facts.js'

/** A difference, with its interval where there is one. */
const difference = ({ value, ci95 }: Pick<Figure, 'value' | 'ci95'>) =>
  `${signedDecimal(value)}${ci95 === null ? '' : ` ${span(ci95, signedDecimal)}`}`

const offset = (k: number) => (k === 0 ? 'target' : k < 0 ? `t−${-k}` : `t+${k}`)
const curve = (name: string, points: readonly CurvePoint[]) => [name, ...points.map(({ value }) => decimal(value))]

function offsets({ curves, reference, margin }: Diagnosis): string {
  return [
    `cosine with the rows around the target (${curves.windows} windows of ${counted(curves.articles, 'article')} that have all of them)`,
    aligned([
      ['', ...curves.run.map((p) => offset(p.offset))],
      curve('run', curves.run),
      ['  95 %', ...curves.run.map(({ ci95 }) => (ci95 === null ? '' : `±${decimal((ci95[1] - ci95[0]) / 2)}`))],
      curve(reference.name, curves.reference),
      curve('copy_last', curves.copy_last),
    ]),
    `cosine to the target minus to the last vector: run ${signedDecimal(margin.value)}, expected ${signedDecimal(margin.expected)} (${margin.against}), copy_last ${signedDecimal(margin.copy_last)}; an optimal predictor that shrinks is also nearer to t−1, so only a margin below the expected one indicates copying (${Math.round(100 * Math.max(0, margin.copying))} % of the way to copy_last)`,
  ].join('\n')
}

function ablated({ ablations }: Diagnosis): string[] {
  if (ablations.length === 0) return []
  const name = ({ name, position }: Diagnosis['ablations'][number]) =>
    position === null ? name.replace('_', ' ') : `without t−${-position}`
  const rows = ablations.map((a) => [
    name(a),
    decimal(a.cosine),
    signedDecimal(-a.drop.value),
    span(a.drop.ci95 && [-a.drop.ci95[1], -a.drop.ci95[0]]),
  ])
  return [aligned([['context ablated', 'cosine', 'change', '95 %'], ...rows])]
}

function spreads({ dispersion, reference, identification, to_mean, norm, dim }: Diagnosis): string {
  const row = (name: string, s: Diagnosis['dispersion']['targets']) => [
    name,
    decimal(s.pairwise_cosine),
    decimal(s.dispersion),
    s.variance.toExponential(2),
    s.effective_rank.toFixed(1),
  ]
  return [
    aligned([
      ['spread', 'pairwise cosine', 'dispersion', 'variance', 'effective rank'],
      row('predictions', dispersion.predictions),
      row(reference.name, reference.spread),
      row('targets', dispersion.targets),
    ]),
    `variance is at most 1/${dim} = ${(1 / dim).toExponential(2)} for unit vectors; dispersion is variance divided by this maximum`,
    `${percent(identification.value)} of the targets of other articles are farther away than the true one (${reference.name}: ${percent(reference.identification)}, chance: 50 %) · cosine to the mean vector ${decimal(to_mean)} · output norm ${norm.mean.toFixed(3)} ± ${norm.sd.toFixed(3)}`,
  ].join('\n')
}

/** The gap between training rows and others as a share of the gain on training rows; nothing where there is no gain. */
function lost({ share, reference_share }: NonNullable<Diagnosis['generalisation']>, rival: string): string {
  if (share === null) return ''
  const beside = reference_share === null ? '' : ` (${rival}: ${percent(reference_share, 0)})`
  return `, ${percent(share, 0)} of the gain on training rows${beside}`
}

function training({ past, generalisation: g, twins, other, reference }: Diagnosis): string[] {
  const cosine = (x: number | null) => (x === null ? '–' : decimal(x))
  return [
    ...(past.epochs === 0
      ? []
      : [
          `epochs: best ${past.best_epoch ?? '–'} of ${past.epochs}; validation cosine ${cosine(past.cosine_epoch0)} untrained, ${cosine(past.cosine_best)} best, ${cosine(past.cosine_last)} last`,
        ]),
    ...(g === null
      ? []
      : [`training rows ${decimal(g.train)}, these ${decimal(g.judged)}: gap ${difference(g.gap)}${lost(g, reference.name)}`]),
    ...(twins === null ? [] : [`${percent(twins)} of the targets have a near-duplicate in the training rows`]),
    ...(other === null
      ? []
      : [
          `${other.path}: cosine ${decimal(other.cosine.value)}, ${reference.name} ${decimal(other.reference)}; against ${reference.name} ${difference(other.advantage)} there, ${signedDecimal(other.advantage_judged.value)} here`,
        ]),
  ]
}

function rolled({ rollout }: Diagnosis): string[] {
  if (rollout === null) return []
  const { steps, windows, memory } = rollout
  return [
    [
      `fed with its own predictions (${windows} windows, memory: ${memory})`,
      aligned([
        ['step', ...steps.map(({ step }) => String(step))],
        ['cosine', ...steps.map(({ cosine }) => decimal(cosine))],
        ['copy last', ...steps.map((s) => decimal(s.cosine_copy_last))],
        ['to the mean', ...steps.map((s) => decimal(s.cosine_mean_vector))],
      ]),
    ].join('\n'),
  ]
}

/** Formats the diagnosis of a run for the terminal. */
export const renderDiagnosis = pageDoor('renderDiagnosis', 'diagnose', (d: Diagnosis): string => {
  const { cosine, skill, floor } = d
  const order = ['fail', 'warn', 'note']
  const findings = d.findings
    .toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level))
    .map(({ level, code, what, why, fix }) => `${level.toUpperCase()} ${code}: ${what}\n     why: ${why}\n     fix: ${fix}`)
  return [
    `${d.run} (${d.model}) · ${counted(d.n, 'window')} of ${counted(d.articles, 'article')} · ${d.rows} rows of ${d.data.path} · seed ${d.seed}`,
    `${d.verdict}  cosine ${decimal(cosine.value)}${cosine.ci95 === null ? '' : ` ${span(cosine.ci95)}`} · floor ${decimal(floor)}${skill === null ? '' : ` · skill ${difference(skill)} against ${skill.against}`}`,
    ...(d.note ? [d.note] : []),
    findings.length === 0 ? 'no failure pattern was found' : findings.join('\n'),
    offsets(d),
    ...ablated(d),
    spreads(d),
    ...training(d),
    ...rolled(d),
  ].join('\n\n')
})
