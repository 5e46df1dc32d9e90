import type { Scene } from './scenes.js'
import { STAND_INS, type StandInName } from './stand-ins.js'

/** `invalid` means that the gate has no verdict: neither pass nor fail. */
export type GateVerdict = 'pass' | 'fail' | 'invalid'

/** Judges a figure by a condition; `invalid` without samples or for a figure that is not finite. */
export const judgeGate = (value: number | null, n: number, passes: (value: number) => boolean): GateVerdict =>
  n === 0 || value === null || !Number.isFinite(value) ? 'invalid' : passes(value) ? 'pass' : 'fail'

/** Reasons why a metric, gate or identity must not be used. */
export const FAULTS = {
  'oracle-fails': 'a perfect predictor does not pass',
  'passes-noise': 'a predictor without information passes',
  'not-finite': 'its value for a predictor is not a finite number',
  'no-discrimination': 'it does not rank the oracle above the context mean and the context mean above noise',
  'direction-blind': 'it is equal for a text and for the same text reversed',
  'sees-direction-in-none': 'it reports a direction in a reversible text',
  'two-definitions': 'definitions under one name disagree',
  'unexpected-value': 'it differs from the value computed beforehand',
} as const
export type Fault = keyof typeof FAULTS

/** Values of a metric, gate or identity for each stand-in or scene, with the verdict. */
export interface Trial {
  readonly name: string
  readonly kind: 'metric' | 'gate' | 'direction' | 'identity'
  readonly verdict: 'valid' | 'invalid'
  readonly faults: readonly Fault[]
  readonly values: Readonly<Record<string, number | string | null>>
}

const trial = (name: string, kind: Trial['kind'], values: Trial['values'], faults: readonly Fault[]): Trial => ({
  name,
  kind,
  verdict: faults.length === 0 ? 'valid' : 'invalid',
  faults,
  values,
})

/** Tests a gate on the stand-ins: the oracle must pass, noise and a constant must fail. */
export async function tryGate(
  name: string,
  gate: (standIn: StandInName) => Promise<GateVerdict>,
  o: { expected?: Partial<Record<StandInName, GateVerdict>> } = {},
): Promise<Trial> {
  const expected = { oracle: 'pass', random: 'fail', constant: 'fail', ...o.expected }
  const values: Partial<Record<StandInName, GateVerdict>> = {}
  for (const standIn of STAND_INS) values[standIn] = await gate(standIn)
  const faults: Fault[] = []
  if (values.oracle !== 'pass') faults.push('oracle-fails')
  if (values.random === 'pass' || values.constant === 'pass') faults.push('passes-noise')
  if (Object.values(values).includes('invalid')) faults.push('not-finite')
  const others = STAND_INS.filter((s) => expected[s] !== undefined && values[s] !== expected[s])
  if (faults.length === 0 && others.length > 0) faults.push('unexpected-value')
  return trial(name, 'gate', values, faults)
}

/** Tests a figure for which higher is better: it must rank the oracle above the context mean and that above noise. */
export async function tryMetric(
  name: string,
  metric: (standIn: StandInName) => Promise<number>,
  expected: Partial<Record<StandInName, { value: number; within: number }>> = {},
): Promise<Trial> {
  const values = {} as Record<StandInName, number>
  for (const standIn of STAND_INS) values[standIn] = await metric(standIn)
  const faults: Fault[] = []
  if (!Object.values(values).every(Number.isFinite)) faults.push('not-finite')
  const room = 0.02 * Math.abs(values.oracle - values.random)
  const noise = Math.max(values.random, values.constant)
  if (!(values.oracle > values.context_mean + room && values.context_mean > noise + room)) faults.push('no-discrimination')
  const wrong = STAND_INS.filter(
    (s) => expected[s] !== undefined && !(Math.abs(values[s] - expected[s].value) <= expected[s].within),
  )
  if (wrong.length > 0) faults.push('unexpected-value')
  return trial(name, 'metric', values, faults)
}

/** A text and the same text reversed. */
export interface Directions {
  readonly forward: Scene
  readonly backward: Scene
}

/** Tests a measure of direction: it must be near 0 for a reversible text and change when a directed text is reversed. */
export async function tryDirection(
  name: string,
  { directed, reversible }: { readonly directed: Directions; readonly reversible: Directions },
  measure: (ways: Directions) => Promise<number>,
  noise: number,
): Promise<Trial> {
  const turned = ({ forward, backward }: Directions): Directions => ({ forward: backward, backward: forward })
  const values = {
    directed: await measure(directed),
    reversed: await measure(turned(directed)),
    reversible: await measure(reversible),
  }
  const faults: Fault[] = []
  if (!Object.values(values).every(Number.isFinite)) faults.push('not-finite')
  if (!(Math.abs(values.directed - values.reversed) > 2 * noise)) faults.push('direction-blind')
  if (Math.abs(values.reversible) > noise) faults.push('sees-direction-in-none')
  return trial(name, 'direction', values, faults)
}

/** Tests several definitions of one name: they must have the same sign on each scene. */
export function tryNames(name: string, definitions: readonly Trial[]): Trial {
  const sign = (value: number | string | null | undefined) =>
    typeof value === 'number' && Math.abs(value) > 0.01 ? Math.sign(value) : 0
  const said = definitions.map(({ values }) =>
    ['directed', 'reversed', 'reversible'].map((scene) => sign(values[scene])).join(' '),
  )
  return trial(
    name,
    'direction',
    { definitions: definitions.length, answers: new Set(said).size },
    new Set(said).size > 1 ? ['two-definitions'] : [],
  )
}

/** Tests an identity by its largest error. */
export const tryIdentity = (name: string, error: number, allowed: number): Trial =>
  trial(name, 'identity', { error, allowed }, error <= allowed ? [] : ['unexpected-value'])
