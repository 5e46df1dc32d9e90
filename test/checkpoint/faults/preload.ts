import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

/** A file of this folder. */
export const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** Whether a library can be compiled here and put in front of those of a process. */
export const possible = process.platform === 'linux' && spawnSync('g++', ['--version']).status === 0

let built: string | undefined
afterAll(() => {
  if (built !== undefined) rmSync(built, { recursive: true, force: true })
})

/**
 * The environment of a process in which calls to the system fail below a folder, as its control file says (shim.cpp).
 *
 * `at`: the call to fail; below zero, one in so many, by chance. `keep`: whether the calls after it fail as well.
 */
export function faulty(folder: string, control: string, o: { at: number; errno: number; keep: boolean }): NodeJS.ProcessEnv {
  built ??= mkdtempSync(join(tmpdir(), 'lvm-faults-'))
  const shim = join(built, 'shim.so')
  execFileSync('g++', ['-shared', '-fPIC', '-O1', '-o', shim, here('shim.cpp'), '-ldl'])
  writeFileSync(control, Buffer.from(Int32Array.of(o.at, o.errno, Number(o.keep), 0, 0).buffer))
  return { ...process.env, LD_PRELOAD: shim, FAULT_CONTROL: control, FAULT_UNDER: folder }
}
