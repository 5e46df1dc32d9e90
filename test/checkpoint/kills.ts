import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { openStore, verifyRun } from '../../lib/checkpoint/run-store.js'
import { start } from './processes.js'
import { listing } from './run.js'
import { stepIn } from './saves.js'

/** Milliseconds that a process saving without pause takes from its start to its fourth save, at the current load. */
async function fourSaves(folder: string, env?: NodeJS.ProcessEnv): Promise<number> {
  const child = start('save', folder, env)
  await child.line(/ready/)
  const begun = performance.now()
  await child.line(/^4$/)
  await child.kill()
  return performance.now() - begun
}

/** Repeatedly kills a process that saves without pause; after each kill the run must be intact and contain every reported save. In an environment with faults, system calls fail as well. */
export async function killWhileSaving(
  folder: string,
  kills: number,
  env?: NodeJS.ProcessEnv,
): Promise<{ steps: number; deaths: Set<string> }> {
  const reach = await fourSaves(`${folder}-timed`, env)
  let steps = 0
  const deaths = new Set<string>()
  for (let kill = 0; kill < kills; kill++) {
    const child = start('save', folder, env)
    await child.line(/ready/)
    await sleep(reach * Math.random())
    await child.kill()
    expect(child.lines.filter((line) => !/^(ready|\d+)$/.test(line))).toEqual([])
    const reported = Math.max(steps, ...child.lines.filter((line) => /^\d+$/.test(line)).map(Number))
    const left = listing(folder)
    deaths.add(left.some((name) => name.startsWith('.tmp-')) ? 'in a save' : left.includes('lock') ? 'under the lock' : 'before')
    if (kill % 2 === 0 && reported > 0) expect(stepIn((await verifyRun(folder)).path)).toBeGreaterThanOrEqual(reported)
    const store = await openStore(folder)
    const current = store.current()
    const step = current === undefined ? 0 : stepIn(current.path)
    await store.close()
    expect(step === reported || step === reported + 1, `kill ${kill}: ${reported} reported, ${step} found`).toBe(true)
    if (step > 0) expect(stepIn(folder)).toBe(step)
    expect(listing(folder).filter((name) => /^(\.tmp|lock)/.test(name))).toEqual([])
    expect(listing(folder).filter((name) => /^\d/.test(name)).length).toBeLessThanOrEqual(2)
    steps = step
  }
  return { steps, deaths }
}
