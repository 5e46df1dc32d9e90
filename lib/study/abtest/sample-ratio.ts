import { chiSquareP } from '../../statistics/chi-square.js'
import type { SampleRatio } from './live-entry.js'
import type { LogTally } from './log-tally.js'

/** A ratio this improbable is a fault of the assignment or of the log. */
const LIMIT = 0.001
/** Fewer expected clients make the chi-square approximation wrong. */
const FEWEST_EXPECTED = 5

type Assigned = Pick<LogTally, 'split' | 'arms' | 'assigned'>

/** Clients that the split expects for each of its arms. */
export function expectedClients({ split, assigned }: Assigned): Map<string, number> {
  const weights = Object.entries(split ?? {})
  const sum = weights.reduce((a, [, weight]) => a + weight, 0)
  const clients = assigned.reduce((a, b) => a + b, 0)
  return new Map(weights.map(([name, weight]) => [name, (clients * weight) / sum]))
}

/** Compares the clients of each arm with the split. */
export function sampleRatio(tally: Assigned): SampleRatio {
  let [chi_square, df, least] = [0, -1, Number.POSITIVE_INFINITY]
  for (const [name, clients] of expectedClients(tally)) {
    const seen = tally.assigned[tally.arms.indexOf(name)] ?? 0
    if (clients === 0 && seen === 0) continue
    chi_square += (seen - clients) ** 2 / clients
    df++
    if (clients > 0) least = Math.min(least, clients)
  }
  const p = least < FEWEST_EXPECTED ? null : chiSquareP(chi_square, df)
  return { chi_square: Math.min(chi_square, Number.MAX_VALUE), df, p, limit: LIMIT, valid: p === null || p >= LIMIT }
}
