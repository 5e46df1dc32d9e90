import type { Stage } from './load-stage.js'
import type { Load } from './measure-stage.js'
import { isClose } from './measure-stage.js'

/** Measures a load of the search; undefined when the test was stopped. */
export type Measure = (load: Omit<Load, 'seed' | 'clients'> & { rate: number }) => Promise<Stage | undefined>

export interface Search {
  /** First rate. */
  readonly first: number
  readonly most: number
  readonly precision: number
}

/** Rate below which nothing is measured. Units: requests per second. */
const LEAST = 0.05
/** Multiple of the duration of a confirmation, and how often a lower rate is tried after one has failed. */
const [CONFIRM, TRIES] = [3, 6]
/** Searches at most. */
const SEARCHES = 3

/**
 * Finds the highest rate that meets the objective: doubles or halves until one rate meets it and the next does not, bisects, and confirms.
 *
 * A stage that fails closely, or ends the doubling, is repeated once. A confirmation lasts longer and must meet the objective with 95 % confidence; after one that
 * fails, a rate lower by the precision is tried. Returns the confirmed stage, an unconfirmed one when the tries are used up, or null.
 */
export async function findKnee(measure: Measure, { first, most, precision }: Search): Promise<Stage | null> {
  const twice = async (purpose: 'bracket' | 'bisect', rate: number) => {
    const stage = await measure({ purpose, rate, times: 1 })
    const endsDoubling = purpose === 'bracket' && low !== null // a disturbance of the machine must not end it far too early
    return stage && (isClose(stage) || (endsDoubling && !stage.met)) ? await measure({ purpose, rate, times: 1 }) : stage
  }
  let low: Stage | null = null
  let high = Infinity
  for (let rate = Math.min(first, most); rate >= LEAST && (low === null || high === Infinity); ) {
    const stage = await twice('bracket', rate)
    if (stage === undefined) return null
    if (stage.met) low = stage
    else high = rate
    if (stage.met && rate >= most) break
    rate = stage.met ? Math.min(most, 2 * rate) : rate / 2
    if (low !== null && high < Infinity) break
  }
  if (low === null) return null
  while (high < Infinity && high / low.rate! > 1 + precision) {
    const rate: number = Math.sqrt(low.rate! * high)
    const stage = await twice('bisect', rate)
    if (stage === undefined) return null
    if (stage.met) low = stage
    else high = rate
  }
  return confirmed(measure, low, precision)
}

async function confirmed(measure: Measure, found: Stage, precision: number): Promise<Stage | null> {
  let rate = found.rate!
  let last: Stage | undefined
  for (let i = 0; i < TRIES; i++) {
    const stage = await measure({ purpose: 'confirm', rate, times: CONFIRM })
    if (stage === undefined) return null
    if (stage.met) return stage
    last = stage
    rate /= 1 + precision
  }
  return last ?? null
}

/**
 * Finds the highest rate, and measures the overload: `overload` times that rate, none for 0.
 *
 * An overload that meets the objective shows that a disturbance of the machine ended the search too early: it goes on from there.
 */
export async function findKneeAndOverload(
  measure: Measure,
  search: Search,
  overload: number,
): Promise<[Stage | null, Stage | undefined]> {
  for (let { first } = search, left = SEARCHES; ; left--) {
    const found = await findKnee(measure, { ...search, first })
    const rate = overload * (found?.rate ?? 0)
    const over = rate > 0 ? await measure({ purpose: 'overload', rate, times: 1 }) : undefined
    if (!over?.met || overload < 1 + search.precision || rate > search.most || left === 1) return [found, over]
    first = rate
  }
}
