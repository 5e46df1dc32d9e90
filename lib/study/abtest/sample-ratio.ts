import { chiSquareP } from '../../statistics/chi-square.js'
import type { SampleRatio } from './live-entry.js'
import type { Assignment } from './log-tally.js'

/** A ratio this improbable is a fault of the assignment or of the log. */
const LIMIT = 0.001
/** Fewer expected clients make the chi-square approximation wrong. */
const FEWEST_EXPECTED = 5

/** Clients that a split expects for each arm, in total over all its settings. */
export function expectedClients(assignments: Iterable<Assignment>): Map<string, number> {
  const expected = new Map<string, number>()
  for (const { split, clients } of assignments) {
    const total = [...clients.values()].reduce((a, b) => a + b, 0)
    const weights = Object.values(split).reduce((a, b) => a + b, 0)
    for (const [name, weight] of Object.entries(split)) expected.set(name, (expected.get(name) ?? 0) + (total * weight) / weights)
  }
  return expected
}

/** Compares the clients of each arm with the split; every setting of the split is a stratum of its own. */
export function sampleRatio(assignments: Iterable<Assignment>): SampleRatio {
  let [chi_square, df, least] = [0, 0, Number.POSITIVE_INFINITY]
  for (const assignment of assignments) {
    const expected = expectedClients([assignment])
    for (const [name, clients] of expected) {
      const seen = assignment.clients.get(name) ?? 0
      if (clients === 0 && seen === 0) continue
      chi_square += (seen - clients) ** 2 / clients
      df++
      if (clients > 0) least = Math.min(least, clients)
    }
    df--
  }
  const p = least < FEWEST_EXPECTED ? null : chiSquareP(chi_square, df)
  return { chi_square: Math.min(chi_square, Number.MAX_VALUE), df, p, limit: LIMIT, valid: p === null || p >= LIMIT }
}
