import { lstat, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { LvmError } from '../errors.js'
import { names } from '../files/leftovers.js'

/** Default folder of runs, relative to the working folder. */
export const RUNS = join('artifacts', 'lvm', 'models')
/** File that names the current generation. */
export const POINTER = 'current'

export const generationsOf = (folder: string): string => join(folder, 'generations')
export const generationFolder = (folder: string, generation: number): string =>
  join(generationsOf(folder), String(generation).padStart(6, '0'))

/** Whether a path is a folder and not a link, because the target of a link is not part of a run. */
export const isPlainFolder = (path: string): Promise<boolean> =>
  lstat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )

/** Figures of the training by step, which are not part of a save. */
export const METRICS = 'metrics.jsonl'
/** Whether a file of a run's folder was written by its logs. */
export const isLog = (name: string): boolean => /^(metrics\.(jsonl|csv)|mlflow\.json|events\.out\.tfevents\..*)$/.test(name)

/** Folder with the weights of single epochs, which are not part of a save. */
export const EPOCHS = 'epochs'
export const epochFile = (epoch: number): string => `epoch-${String(epoch).padStart(4, '0')}.pt`
export const isEpochFile = (name: string): boolean => /^epoch-\d{4,}\.pt$/.test(name)

const SAVED = ['final_model.pt', 'best_model.pt', 'quantized.safetensors', 'training_history.json']

/** Whether a folder is one of our saves, intact or damaged, as its manifest and file names show; only such folders are removed. */
export async function isOurs(path: string): Promise<boolean> {
  const manifest = join(path, 'manifest.json')
  if (!(await isPlainFolder(path)) || !(await lstat(manifest).catch(() => undefined))?.isFile()) return false
  if (/"(saved_at|sha256|digest)"/.test(await readFile(manifest, 'utf8').catch(() => ''))) return true
  return (await names(path)).some((name) => SAVED.includes(name))
}

const generationNames = async (folder: string): Promise<string[]> =>
  (await isPlainFolder(generationsOf(folder))) ? names(generationsOf(folder)) : []

/** Numbers of the existing generations, newest first. */
export const generationNumbers = async (folder: string): Promise<number[]> =>
  (await generationNames(folder))
    .filter((name) => /^\d{6,}$/.test(name) && generationFolder(folder, Number(name)) === join(generationsOf(folder), name))
    .map(Number)
    .sort((a, b) => b - a)

/** Folder of a run: a path stays as it is, a plain name is below `root`. */
export const runFolder = (run: string, root = RUNS): string => (/[\\/]|^\.{1,2}$/.test(run) ? resolve(run) : resolve(root, run))

/** Name of a run on the command line: its name below `root`, or its path. */
export const runName = (folder: string, root = RUNS): string =>
  dirname(resolve(folder)) === resolve(root) ? basename(resolve(folder)) : folder

/** Whether a folder holds a run, intact or damaged; the remains of a kill before the first save are not a run. */
export async function isRun(folder: string): Promise<boolean> {
  const [top, generations] = await Promise.all([names(folder), generationNames(folder)])
  return (
    top.includes('manifest.json') ||
    generations.includes(POINTER) ||
    generations.some((name) => /^\d+$/.test(name) && Number(name) > 1)
  )
}

/** Names of the runs directly below `root`. */
export async function runNames(root = RUNS): Promise<string[]> {
  const all = (await names(root)).sort()
  const runs = await Promise.all(all.map((name) => isRun(join(root, name))))
  return all.filter((_, i) => runs[i])
}

/** Edit distance of two words (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length]!
}

/** Names similar to a word: those that contain it, then those with an edit distance of at most a third of the letters. */
function near(word: string, known: readonly string[]): string[] {
  const rated = known.map((name) => ({
    name,
    d: name.includes(word) ? 0 : distance(word, name) / Math.max(word.length, name.length),
  }))
  return rated
    .filter(({ d }) => d <= 1 / 3)
    .sort((x, y) => x.d - y.d)
    .map(({ name }) => name)
}

/**
 * Finds the folder of an existing run, given as a name below `root` or as a path.
 *
 * Errors: RUN_MISSING with similar names, or all names if none is similar.
 */
export async function findRun(run: string, root = RUNS): Promise<string> {
  for (const folder of [runFolder(run, root), resolve(run)]) if (await isRun(folder)) return folder
  const there = await stat(resolve(run)).catch(() => undefined)
  const what = there?.isFile() ? 'is a file; name its folder' : there === undefined ? 'does not exist' : 'holds no run'
  const known = await runNames(root)
  const meant = near(basename(run), known)
  const list =
    known.length === 0
      ? `there are no runs in ${root}`
      : `there are: ${known.slice(0, 20).join(', ')}${known.length > 20 ? ', …' : ''}`
  throw new LvmError('RUN_MISSING', `run: expected a run folder, or a name below ${root}, but "${run}" ${what}`, {
    hint: meant.length > 0 ? `did you mean ${meant.slice(0, 3).join(' or ')}?` : list,
  })
}
