import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { packageRoot } from '../../lib/libtorch/paths.js'

const root = packageRoot()
export const SAMPLE = join(root, 'data/sample/factbook.npy')
export const shared = (name: string): string => join(root, '..', 'shared', 'data', name)

/** Makes a folder that is removed after the tests of a file. */
export function workFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-python-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

interface Ended {
  status: number
  stdout: string
  stderr: string
}
const run = (program: string, args: readonly (string | number)[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) =>
  new Promise<Ended>((done) => {
    execFile(program, args.map(String), { ...options, encoding: 'utf8', maxBuffer: 1 << 28 }, (error, stdout, stderr) =>
      done({ status: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    )
  })

let found: string | undefined
/** Path of the Python of the long suite: LVM_TORCH_TEST_PYTHON, or the one of scripts/python.mjs. */
export function python(): string {
  found ??= execFileSync(process.execPath, [join(root, 'scripts/python.mjs')], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .at(-1)!
  return found
}

/** Whether that Python has an optional package. */
export function hasModule(name: string): boolean {
  const found = 'import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)'
  return spawnSync(python(), ['-c', found, name]).status === 0
}

/** Runs a script of this folder and returns the JSON document that it prints. */
export async function runPython<T>(script: string, ...args: (string | number)[]): Promise<T> {
  const { status, stdout, stderr } = await run(python(), [join(import.meta.dirname, script), ...args])
  if (status !== 0) throw new Error(`${script} ended with ${status}:\n${stderr}`)
  return JSON.parse(stdout) as T
}

export interface Answer {
  status: number
  /** JSON documents on stdout: one, or one per line for long work. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read untyped JSON and fail on missing keys
  json: any[]
  stderr: string
}
/** Runs the command line with --json in `cwd`. */
export async function lvm(cwd: string, args: readonly (string | number)[], env: Record<string, string> = {}): Promise<Answer> {
  const o = { cwd, env: { ...process.env, ...env } }
  const { status, stdout, stderr } = await run(process.execPath, [join(root, 'dist/bin/lvm.js'), ...args, '--json'], o)
  const documents = stdout.startsWith('{\n') ? [stdout] : stdout.split('\n').filter(Boolean)
  return { status, json: documents.map((text) => JSON.parse(text)), stderr }
}

/** Runs a command that must succeed, and returns its last JSON document. */
export async function done(cwd: string, args: readonly (string | number)[], env: Record<string, string> = {}) {
  const { status, json, stderr } = await lvm(cwd, args, env)
  if (status !== 0) throw new Error(`lvm ${args.join(' ')} ended with ${status}: ${JSON.stringify(json.at(-1))}\n${stderr}`)
  return json.at(-1)
}

export const readJson = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8'))
