import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { readJournal } from '../../lib/experiment/journal.js'
import type { ExperimentReport } from '../../lib/index.js'
import { dice } from '../files/fixture.js'

const cli = fileURLToPath(new URL('../../dist/bin/lvm.js', import.meta.url))

/** Writes a plan and returns its path. */
export function planFile(folder: string, name: string, lines: readonly string[]): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${name}.yaml`)
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

function start(plan: string, out: string): { child: ChildProcess; end: Promise<number | null>; said: () => string } {
  const child = spawn(process.execPath, [cli, 'experiment', plan, '--out', out], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (text: Buffer) => (said += text.toString()))
  return { child, end: new Promise((done) => child.on('close', (code) => done(code))), said: () => said }
}

/** Process ids of the children of a process. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

/** Runs a plan to its end. */
export async function completed(plan: string, out: string): Promise<string> {
  const { end, said } = start(plan, out)
  expect(await end, said()).toBe(0)
  return said()
}

/** What must not depend on kills. */
export function outcome(out: string) {
  const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as ExperimentReport
  const runs = report.runs.map(({ id, rung, state, score, val_loss, epochs }) => ({ id, rung, state, score, val_loss, epochs }))
  runs.sort((a, b) => (`${a.id} ${a.rung}` < `${b.id} ${b.rung}` ? -1 : 1))
  return { state: report.state, runs, verdict: report.verdict }
}

/** Kills an experiment, or one of its children, at random instants, and starts it again each time; ends with a complete experiment. */
export async function killRepeatedly(plan: string, out: string, o: { kills: number; within: number; seed: number }) {
  const roll = dice(o.seed)
  const killed = { parents: 0, children: 0 }
  while (killed.parents + killed.children < o.kills) {
    const { child, end, said } = start(plan, out)
    const mayHitStart = roll(4) === 0
    while (!mayHitStart && said() === '' && child.exitCode === null) await sleep(20) // with a loaded processor the start alone takes longer than `within`
    for (let more = true; more; ) {
      await sleep(300 + roll(o.within))
      if (child.exitCode !== null) break
      const [running] = childrenOf(child.pid!)
      const isChild = roll(3) === 0 && running !== undefined
      try {
        process.kill(isChild ? running : child.pid!, 'SIGKILL')
        killed[isChild ? 'children' : 'parents'] += 1
      } catch {} // it has just ended
      more = isChild && killed.parents + killed.children < o.kills
    }
    if (child.exitCode === null) child.kill('SIGKILL')
    if ((await end) === 0) break
  }
  const said = await completed(plan, out)
  return { killed, said }
}

/** Requires that the journal holds every training exactly once, and no folder of runs beside them. */
export function requireOnce(out: string): void {
  const ends = readJournal(out)!.entries.filter((entry) => entry.type === 'run')
  const keys = ends.map(({ id, rung }) => `${id} ${rung}`)
  expect(new Set(keys).size).toBe(keys.length)
  const known = new Set(ends.map(({ id }) => id))
  for (const name of readdirSync(join(out, 'runs'))) expect([...known]).toContain(name)
}
