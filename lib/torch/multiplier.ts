import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { LvmError } from '../errors.js'
import { publish } from '../files/write.js'
import { cacheRoot } from '../libtorch/paths.js'
import { type Multiplier, native } from '../native.js'

/** How much quicker the other library must be before it is taken, so that noise does not choose. */
const CLEARLY = 1.3

function known(path: string): Record<string, Multiplier> {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return {}
  }
}

/** What the speed of products depends on. */
export const machineKey = (): string =>
  `${cpus()[0]?.model ?? 'unknown'} · ${native.cpuCapability()} · ${native.threads()} threads · ${native.libtorchVersion()}`

/** Which library multiplies fastest on this machine: measured once for a processor, its threads and a libtorch, then remembered. */
export async function fastestMultiplier(): Promise<Multiplier> {
  const path = join(cacheRoot(), 'multiplier.json')
  const key = machineKey()
  const before = known(path)
  if (before[key] === 'aten' || before[key] === 'onednn') return before[key]
  const { aten, onednn } = await native.timeMultipliers()
  const fastest = aten > CLEARLY * onednn ? 'onednn' : 'aten'
  try {
    await publish({ [path]: `${JSON.stringify({ ...known(path), [key]: fastest }, null, 2)}\n` })
  } catch {} // a cache that cannot be written costs a tenth of a second next time
  return fastest
}

const ruledOut = (kind: Multiplier, other: Multiplier) =>
  `float32 products by ${kind} are not within rounding of exact ones on this machine: ${other} multiplies instead`

/**
 * Sets what multiplies float32 matrices from now on: what a run was trained with, or the fastest here, once its products were
 * compared with exact ones. Returns a sentence when it was ruled out.
 *
 * Errors: LIBTORCH_MISMATCH when no library is right.
 */
export async function useMultiplier(saved: Multiplier | undefined): Promise<string | undefined> {
  const wanted = saved ?? (await fastestMultiplier())
  const other = wanted === 'aten' ? 'onednn' : 'aten'
  const right = await native.multiplierAgrees(wanted)
  if (!right && !(await native.multiplierAgrees(other))) {
    throw new LvmError(
      'LIBTORCH_MISMATCH',
      'libtorch: expected products within rounding of exact ones but none of its libraries gives them',
    )
  }
  native.multiplier(right ? wanted : other)
  return right ? undefined : ruledOut(wanted, other)
}
