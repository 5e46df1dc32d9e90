import { badOption } from '../errors.js'
import { batchTest } from './batch-test.js'
import { rangeTest } from './range-test.js'
import type { Plan } from './recipe.js'
import type { Session } from './session.js'
import type { Told } from './train-events.js'

/** Tests a setting in a session that is thrown away, and returns the plan with its result. */
export type SettingTest = (session: Session, signal: AbortSignal) => AsyncGenerator<Told, Plan>

async function* testBatch(session: Session, signal: AbortSignal): AsyncGenerator<Told, Plan> {
  const batchTested = yield* batchTest(session, signal)
  const { plan } = session
  return { ...plan, train: { ...plan.train, batchSize: batchTested.batch_size }, batchTest: batchTested }
}

async function* testRate(session: Session, signal: AbortSignal): AsyncGenerator<Told, Plan> {
  const lrTest = yield* rangeTest(session, signal)
  const { plan } = session
  return { ...plan, train: { ...plan.train, lr: lrTest.lr }, lrTest }
}

/** Tests that a plan asks for, in their order: the rate is that of the chosen batch. */
export const testsOf = ({ autoBatch, autoLr }: Plan): SettingTest[] => [
  ...(autoBatch ? [testBatch] : []),
  ...(autoLr ? [testRate] : []),
]

/** Errors: BAD_OPTION for a training of several processes whose plan asks for a test. */
export function requireNoTests({ autoBatch, autoLr }: Plan): void {
  if (!autoBatch && !autoLr) return
  const [key, flag] = autoBatch ? (['batchSize', '--batch-size'] as const) : (['lr', '--lr'] as const)
  const hint = `find the value with one process first: ${flag} auto --max-steps 1`
  throw badOption('train', key, 'a number with several processes', 'auto', hint)
}
