import { cos, type Finding, finding } from './audit-findings.js'
import type { AuditedFile } from './audited-file.js'

/** Mean cosine of random pairs above which the check fails, and above which it warns. */
const [COLLAPSED, ALIKE] = [0.999, 0.9]
/** Limit of a low effective rank, as a share of the largest possible rank. */
const LOW_RANK = 0.05

/** Checks whether the vectors differ from each other, and in how many directions. */
export function spreadFindings({ table, passed, spectrum, floor }: AuditedFile): Finding[] {
  const { effective_rank, mean_norm } = spectrum
  const possible = Math.min(table.dim, passed.good - 1)
  if (possible < 1)
    return (['COLLAPSE', 'RANK'] as const).map((code) =>
      finding(code, 'PASS', 'too few vectors with a direction to compare them'),
    )
  const figures = { effective_rank, mean_norm, random_pairs: floor }
  const low = effective_rank < LOW_RANK * possible
  return [
    finding(
      'COLLAPSE',
      floor > COLLAPSED ? 'FAIL' : floor > ALIKE ? 'WARN' : 'PASS',
      `random pairs have a cosine of ${cos(floor)}, the mean vector a length of ${cos(mean_norm)}`,
      figures,
    ),
    finding('RANK', low ? 'WARN' : 'PASS', `an effective rank of ${effective_rank.toFixed(1)}, of ${possible} possible`, figures),
  ]
}
