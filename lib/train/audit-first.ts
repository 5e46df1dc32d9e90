import { join } from 'node:path'
import { auditBase } from '../audit/audit.js'
import { auditKey, readVerdict, type Verdict, writeVerdict } from '../audit/audit-cache.js'
import { LEVELS } from '../audit/audit-findings.js'
import type { RunFacts } from '../checkpoint/run-manifest.js'
import { shortestOf } from '../data/windows.js'
import { LvmError } from '../errors.js'
import { cacheRoot } from '../libtorch/paths.js'
import { stoppedBefore } from './before-first-step.js'
import type { Prepared } from './prepare.js'
import type { Told } from './train-events.js'

/** Stops waiting for `work` on abort; closing the data then ends the work itself. Errors: INTERRUPTED, TERMINATED. */
const orStop = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((done, fail) => {
    const stop = () => fail(stoppedBefore(signal))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(done, fail).finally(() => signal.removeEventListener('abort', stop))
  })

/** Returns the cached audit for these files, context and split, or runs the audit and caches it. */
async function* verdictOn({ train, val, split }: Prepared, signal: AbortSignal): AsyncGenerator<Told, Verdict> {
  const { base, windows } = train
  const against = val === train ? [] : [val.base]
  const folder = join(cacheRoot(), 'audits')
  const cross = windows.crosses !== undefined && base.kind === 'base'
  const checked = { context: shortestOf(windows), cross, split: { split, val } }
  const key = auditKey(base, against, checked)
  const known = await readVerdict(folder, key)
  if (known !== undefined) return known
  yield { type: 'audit', path: base.path, verdict: null, codes: [], forced: false }
  const { findings, against: files } = await orStop(auditBase(base, { ...checked, against }), signal)
  const all = [...findings, ...files.flatMap((file) => file.findings)]
  const codes = all
    .filter(({ level }) => level !== 'PASS')
    .map(({ code, level, message }) => ({ code, level, message }))
    .sort((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level))
  const found = { verdict: codes[0]?.level ?? 'PASS', codes } as const
  await writeVerdict(folder, key, found)
  return found
}

/** Audits the data before training starts. Errors: GATE_FAILED when the audit fails without `force`; INTERRUPTED, TERMINATED. */
export async function* auditData(data: Prepared, force: boolean, signal: AbortSignal): AsyncGenerator<Told, RunFacts['audit']> {
  const found = yield* verdictOn(data, signal)
  const broken = found.codes.filter(({ level }) => level === 'FAIL')
  const { path } = data.train.base
  if (broken.length > 0 && !force) {
    const list = broken.map(({ code, message }) => `${code}: ${message}`).join('; ')
    throw new LvmError('GATE_FAILED', `${path}: expected data that passes the audit but it failed: ${list}`, {
      hint: 'see the full audit with: lvm-torch data audit FILE; train anyway with --force',
    })
  }
  const outcome = { verdict: found.verdict, codes: found.codes.map(({ code }) => code), forced: broken.length > 0 }
  yield { type: 'audit', path, ...outcome }
  return outcome
}
