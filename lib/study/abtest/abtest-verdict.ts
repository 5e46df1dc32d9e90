import type { BaselineName } from '../../baselines/baselines-fit.js'
import { NAMES } from '../../evaluate/results-table.js'
import { counted, decimal, pValue, signedDecimal, span } from '../../show.js'
import type { ArmEntry, ArmVerdict, HeuristicComparison, ScoreTest } from './abtest-entry.js'

const named = (name: string): string => NAMES[name as BaselineName]

/** Which of the two a corrected test prefers. */
function winner({ difference, p_adjusted }: ScoreTest): 'model' | 'heuristic' | 'neither' {
  if (p_adjusted === null || p_adjusted > 0.05) return 'neither'
  return difference > 0 ? 'model' : 'heuristic'
}

function figures({ difference, ci95, p_adjusted }: ScoreTest, k: number): string {
  const interval = ci95 === null ? '' : `, 95 %: ${span(ci95, signedDecimal)}`
  const p = p_adjusted === null ? '' : `, corrected p ${pValue(p_adjusted)}`
  return `hit rate@${k} ${signedDecimal(difference)}${interval}${p}`
}

/**
 * Decides between a run and the heuristics by the corrected tests of the hit rate.
 *
 * The model must win against every heuristic; one heuristic that wins against the model is enough for the heuristic.
 */
export function decide(
  comparisons: readonly HeuristicComparison[],
  heuristics: readonly ArmEntry[],
  o: { readonly k: number },
): ArmVerdict {
  const rate = (one: HeuristicComparison) => heuristics.find(({ name }) => name === one.against)!.hit_rate
  const ordered = comparisons.toSorted((a, b) => rate(b) - rate(a))
  const same = ordered.find(({ identical }) => identical)
  const better = ordered.find(({ hit_rate }) => winner(hit_rate) === 'heuristic')
  const open = ordered.find(({ hit_rate }) => winner(hit_rate) !== 'model')
  const about = better ?? same ?? open ?? ordered[0]!
  const [rival, test] = [named(about.against), about.hit_rate]
  const verdict = (decision: ArmVerdict['decision'], sentence: string) => ({ decision, against: about.against, sentence })
  const tie = same && `the model ranks every target exactly as ${named(same.against)} does`
  const seen = figures(test, o.k)
  if (better !== undefined)
    return verdict('heuristic', `use the heuristic: ${rival} finds more targets than the model (${seen})${tie ? `; ${tie}` : ''}`)
  if (tie !== undefined) return verdict('tie', `use the heuristic: ${tie}, and ${rival} needs no model`)
  if (open === undefined)
    return verdict('model', `use the model: it finds more targets than the best heuristic, ${rival} (${seen})`)
  if (test.p_adjusted === null) return verdict('unknown', `no verdict against ${rival}: ${test.reason} (${seen})`)
  const needed = test.articles_needed === null ? '' : `; ${counted(test.articles_needed, 'article')} would find the seen one`
  const least = `smallest that would have been detected: ${decimal(test.minimum_detectable!)}`
  return verdict('none', `no difference found to ${rival} (${seen}; ${least}${needed}); the heuristic needs no model`)
}
