import { badOption, LvmError } from '../../errors.js'
import { sequentialTest } from '../../statistics/confidence-sequence.js'
import type { LiveArm, LiveComparison, LiveDocument } from './live-entry.js'
import { liveVerdict } from './live-verdict.js'
import type { LogTally, Missing } from './log-tally.js'
import { expectedClients, sampleRatio } from './sample-ratio.js'

/** With fewer in an arm a mean is not near enough to normal for the confidence sequence. */
const FEWEST_CLIENTS = 50
const FEWEST_OF_A_KIND = 10
/** Standard normal quantile of a power of 80 %. */
const POWER = 0.8416

type Settings = { readonly control: string | undefined; readonly effect: number; readonly missing: Missing }

/** Errors: DATA_TOO_FEW for fewer than two arms; BAD_OPTION for a control that is no arm. */
function controlOf(path: string, { arms, split, leftOut }: LogTally, asked: string | undefined): string {
  if (arms.length < 2) {
    const since = leftOut === null ? '' : ` since the last change of ${leftOut.changed}`
    const seen =
      arms.length === 0 ? 'no request was assigned by --split' : `all assigned requests${since} were answered by ${arms[0]}`
    throw new LvmError('DATA_TOO_FEW', `${path}: expected requests of two arms or more but ${seen}`, {
      hint: 'start the server with two runs and --split a=50,b=50, and send the id of a client with each request',
    })
  }
  if (asked !== undefined && !arms.includes(asked))
    throw badOption('abtest', 'control', `an arm of the log (${arms.join(', ')})`, asked)
  return asked ?? Object.keys(split!).find((name) => arms.includes(name))!
}

function liveArms(tally: LogTally): LiveArm[] {
  const { arms, weights, assigned, requests, contexts, rewards, answered } = tally
  const expected = expectedClients(tally)
  return arms.map((name, i) => {
    const [judged, asked] = [rewards.totals(i), answered.totals(i)]
    return {
      name,
      weights: weights[i]!,
      assigned: assigned[i]!,
      expected: expected.get(name) ?? 0,
      requests: requests[i]!,
      contexts: contexts[i]!,
      feedback_share: asked.rewards === 0 ? null : asked.sum / asked.rewards,
      clients: judged.clients,
      rewards: judged.rewards,
      mean_reward: judged.rewards === 0 ? null : judged.sum / judged.rewards,
    }
  })
}

/** Reason why the means are not compared yet. */
function tooEarly({ rewards }: LogTally, sides: readonly (readonly [number, string])[]): string | null {
  for (const [index, name] of sides) {
    const { clients, above, below } = rewards.totals(index)
    if (clients < FEWEST_CLIENTS) return `${name} has rewards of ${clients} clients (${FEWEST_CLIENTS} at least)`
    if (Math.min(above, below) < FEWEST_OF_A_KIND)
      return `${name} has ${Math.min(above, below)} clients with a reward ${above < below ? 'above 0' : 'below 1'} (${FEWEST_OF_A_KIND} at least)`
  }
  return null
}

/** p value for a different share of feedback; null when every context of both arms has the same. */
function unevenFeedback({ difference, se }: { difference: number; se: number }, effect: number, tests: number): number | null {
  if (se === 0) return difference === 0 ? null : 0
  return Math.min(1, tests * sequentialTest(difference, se, effect).p)
}

function compareWithControl(tally: LogTally, arm: number, control: number, effect: number): LiveComparison {
  const { arms, rewards, answered } = tally
  const tests = arms.length - 1
  const reason = tooEarly(tally, [
    [arm, arms[arm]!],
    [control, arms[control]!],
  ])
  const feedback_p = reason === null ? unevenFeedback(answered.difference(arm, control), effect, tests) : null
  const none = { arm: arms[arm]!, difference: null, se: null, ci95: null, p: null, minimum_detectable: null, feedback_p }
  if (reason !== null) return { ...none, reason }
  const { difference, se } = rewards.difference(arm, control)
  const test = sequentialTest(difference, se, effect, tests)
  return {
    ...none,
    difference,
    se,
    ci95: test.ci95,
    p: Math.min(1, tests * test.p),
    minimum_detectable: (test.ci95[1] - test.ci95[0]) / 2 + POWER * se,
    reason,
  }
}

/**
 * Judges the arms of a log against the control.
 *
 * Errors: DATA_TOO_FEW for fewer than two arms; BAD_OPTION for a control that is no arm.
 */
export function judgeLog(path: string, tally: LogTally, { control: asked, effect, missing }: Settings): LiveDocument {
  const control = controlOf(path, tally, asked)
  const { arms, faults, crossed, lines, first, last, leftOut: left_out } = tally
  const index = arms.indexOf(control)
  const comparisons = [...arms.keys()].filter((i) => i !== index).map((i) => compareWithControl(tally, i, index, effect))
  const sample_ratio = sampleRatio(tally)
  return {
    version: 1,
    log: path,
    lines,
    first,
    last,
    faults,
    left_out,
    crossed_clients: crossed,
    missing,
    effect,
    control,
    arms: liveArms(tally),
    sample_ratio,
    comparisons,
    verdict: liveVerdict(control, comparisons, sample_ratio),
  }
}
