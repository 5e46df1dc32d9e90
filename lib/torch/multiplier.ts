import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { LvmError } from '../errors.js'
import { publish } from '../files/write.js'
import { cacheRoot } from '../libtorch/paths.js'
import { type Multiplier, native } from '../native.js'

/** oneDNN is chosen only when ATen takes more than this times as long, because timings are noisy. */
const CLEARLY_SLOWER = 1.3

function measured(path: string): Record<string, Multiplier> {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return {}
  }
}

/** Text of all facts that the speed of products depends on. */
export const machineKey = (): string =>
  `${cpus()[0]?.model ?? 'unknown'} · ${native.cpuCapability()} · ${native.threads()} threads · ${native.libtorchVersion()}`

/** Returns the library that multiplies fastest; measured once per CPU model, thread count and libtorch, then cached. */
export async function fastestMultiplier(): Promise<Multiplier> {
  const path = join(cacheRoot(), 'multiplier.json')
  const key = machineKey()
  const before = measured(path)
  if (before[key] === 'aten' || before[key] === 'onednn') return before[key]
  const { aten, onednn } = await native.timeMultipliers()
  const fastest = aten > CLEARLY_SLOWER * onednn ? 'onednn' : 'aten'
  try {
    await publish({ [path]: `${JSON.stringify({ ...measured(path), [key]: fastest }, null, 2)}\n` })
  } catch {} // without the cache the next process measures again, which takes 0.1 s
  return fastest
}

const ruledOut = (kind: Multiplier, other: Multiplier) =>
  `float32 products by ${kind} are not within rounding of exact ones on this machine: ${other} is used instead`

/**
 * Sets the library that multiplies float32 matrices: the `saved` one of a run if given, the fastest otherwise.
 *
 * Its products are first compared with exact ones. Returns a warning when it fails and the other library is used.
 *
 * Errors: LIBTORCH_MISMATCH when both libraries fail.
 */
export async function useMultiplier(saved: Multiplier | undefined): Promise<string | undefined> {
  const wanted = saved ?? (await fastestMultiplier())
  const other = wanted === 'aten' ? 'onednn' : 'aten'
  const right = await native.multiplierAgrees(wanted)
  if (!right && !(await native.multiplierAgrees(other))) {
    throw new LvmError(
      'LIBTORCH_MISMATCH',
      'libtorch: expected float32 products within rounding of exact ones but those of aten and onednn are not',
    )
  }
  native.multiplier(right ? wanted : other)
  return right ? undefined : ruledOut(wanted, other)
}
