import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { runFolder } from '../checkpoint/run-folder.js'
import { type Control, controlled } from '../control.js'
import { badOption, fileError, LvmError } from '../errors.js'
import { counted, requireGoing, stage } from '../stages.js'
import type { Engine, EngineOptions } from './engine-types.js'

/** A run to serve, and its name in paths, metrics and --split. */
export interface NamedRun {
  readonly name: string
  readonly run: string
}

const NAMED = /^([\w.-]{1,128})=(.+)$/
const NAME = /^[\w.-]{1,128}$/

/** Reads RUN or NAME=RUN; the name of a run is by default that of its folder. */
export function namedRun(text: string): NamedRun {
  const [, name, run] = NAMED.exec(text) ?? []
  if (name !== undefined && run !== undefined) return { name, run }
  const own = basename(resolve(runFolder(text)))
  if (NAME.test(own)) return { name: own, run: text }
  throw badOption('serve', 'run', 'NAME=RUN for a folder whose name has other characters than letters, digits, _ . -', text)
}

/** Runs of the command line, then those of --models-file. Errors: BAD_OPTION for no run and for two of one name, FILE_…. */
export async function runsToServe(runs: readonly string[], file: string | undefined): Promise<readonly NamedRun[]> {
  const text =
    file === undefined
      ? ''
      : await readFile(file, 'utf8').catch((error: unknown) => {
          throw fileError(error, 'could not read --models-file')
        })
  const listed = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  const named = [...runs, ...listed].map(namedRun)
  if (named.length === 0)
    throw new LvmError('BAD_OPTION', `serve: expected a run but received none${file ? `; ${file} lists none` : ''}`, {
      hint: 'name a RUN, or list runs in --models-file',
    })
  const twice = named.find(({ name }, i) => named.findIndex((other) => other.name === name) !== i)
  if (twice)
    throw new LvmError('BAD_OPTION', `serve: two runs have the name "${twice.name}"`, {
      hint: 'give one of them another name: NAME=RUN',
    })
  return named
}

/** Opens every run in an inference process of its own; when one fails, or a signal stops the work, the others are closed. */
export async function openAll(
  runs: readonly NamedRun[],
  open: (run: NamedRun, signal?: AbortSignal) => Promise<Engine>,
  control: Control = {},
): Promise<readonly Engine[]> {
  const { signal, onProgress } = control
  const engines: Engine[] = []
  const openEach = async () => {
    for (const run of counted(runs)) engines.push(await open(run, signal)) // one after the other, so that memory is taken by one load at a time
  }
  try {
    await (signal || onProgress ? controlled(control, () => stage('load the runs', openEach)) : openEach())
    return engines
  } catch (error) {
    await Promise.allSettled(engines.map((engine) => engine.close()))
    requireGoing(signal) // an abort kills the process that loads, which is an error of its own
    throw error
  }
}

export type OpenEngine = (options: EngineOptions) => Promise<Engine>
