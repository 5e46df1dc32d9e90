import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { isRun } from '../../lib/checkpoint/run-folder.js'
import { verifyRun } from '../../lib/checkpoint/run-store.js'
import { load } from '../../lib/index.js'
import { eventsOf, lvm } from './programs.js'
import { comparable, contentOf, historyOf, manifestOf } from './runs.js'

const SAVE_EVERY = 3

/** Result of a finished run, without measured times. */
const outcome = async (run: string) => ({
  history: comparable(historyOf(run)),
  best: await contentOf(join(run, 'best_model.pt')),
  final: await contentOf(join(run, 'final_model.pt')),
})

/**
 * Repeatedly kills a training that saves every 3 steps, at random instants, and restarts it, one run after another.
 *
 * After every kill the run must verify, contain every reported save and lack at most 3 reported steps; every finished run must equal one
 * that was never killed, bit for bit.
 */
export async function killWhileTraining(
  data: string,
  cwd: string,
  o: { kills: number; epochs: number; model?: readonly string[]; options?: readonly string[]; stepsPerEpoch?: number },
): Promise<{ finished: number; instants: Record<string, number> }> {
  mkdirSync(cwd)
  const words = [
    'train',
    ...(o.model ?? ['lstm', '--preset', 'tiny']),
    '--data',
    data,
    '--batch-size',
    '16',
    '--epochs',
    String(o.epochs),
    ...(o.options ?? []),
  ]
  const start = (name: string, resume: boolean) =>
    lvm(
      cwd,
      ...words,
      '--threads',
      '1',
      '--save-every',
      String(SAVE_EVERY),
      '--json',
      '--name',
      name,
      ...(resume ? ['--resume'] : []),
    )
  const folder = (name: string) => join(cwd, 'artifacts/lvm/models', name)
  const whole = start('whole', false)
  expect(await whole.end, whole.err()).toBe(0)
  const reference = await outcome(folder('whole'))

  const instants: Record<string, number> = {}
  let [finished, kills, lives] = [0, 0, 0]
  while (kills < o.kills) {
    const name = `run${finished}`
    const before = (await isRun(folder(name))) ? manifestOf(folder(name)).progress!.optimizer_steps : -1
    const program = start(name, before >= 0)
    if (lives++ % 6 > 0) await program.says(/"type":"start"/).catch(() => {}) // otherwise it is killed during its start
    await Promise.race([sleep(1000 * Math.random() ** 2), program.end])
    program.child.kill('SIGKILL')
    const code = await program.end
    const events = eventsOf(program)
    expect(events.filter(({ type }) => type === 'error')).toEqual([])
    if (code === 0) {
      expect(await outcome(folder(name))).toEqual(reference)
      finished++
      continue
    }
    expect(code, program.err()).toBe(null)
    kills++
    const instant = events.at(-1)?.type ?? 'nothing'
    instants[instant] = (instants[instant] ?? 0) + 1

    if (!(await isRun(folder(name)))) {
      expect(before).toBe(-1)
      expect(events.some(({ type }) => type === 'saved')).toBe(false)
      continue
    }
    const { manifest } = await verifyRun(folder(name))
    ;(await load(folder(name))).dispose()
    const { progress } = manifestOf(folder(name))
    expect(manifest.progress).toEqual(progress)
    const perEpoch = o.stepsPerEpoch ?? 14
    const told = events.map(({ type, epoch, step }) =>
      type === 'saved' || type === 'progress' ? (Number(epoch) - 1) * perEpoch + Number(step) : -1,
    )
    const saved = Math.max(before, ...told.filter((_, i) => events[i]!.type === 'saved'))
    expect(progress!.optimizer_steps).toBeGreaterThanOrEqual(Math.max(saved, Math.max(0, ...told) - SAVE_EVERY))
    expect(historyOf(folder(name)).history).toEqual(
      reference.history.history.slice(0, historyOf(folder(name)).history.length).map((row) => expect.objectContaining(row)),
    )
  }
  return { finished, instants }
}
