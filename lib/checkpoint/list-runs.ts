import { lstat, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { asyncDoor, only, optional, word, yesOrNo } from '../door.js'
import { asLvmError, badOption, type ErrorCode, type LvmError } from '../errors.js'
import type { Holder } from '../files/holder.js'
import { names, removeLeftovers } from '../files/leftovers.js'
import { lockHolder, lockRun } from '../files/lock.js'
import { removeGeneration } from './generation.js'
import { isFileName, MANIFEST, readManifest } from './manifest.js'
import { readDocument } from './run-documents.js'
import {
  EPOCHS,
  findRun,
  generationFolder,
  generationNumbers,
  generationsOf,
  isEpochFile,
  isLog,
  isOurs,
  isPlainFolder,
  isRun,
  POINTER,
  RUNS,
  runName,
} from './run-folder.js'
import { CONFIG, HISTORY, type History, type HistoryRow, type RunManifest, type Stretch } from './run-manifest.js'
import { verifyRun } from './run-store.js'
import { type Checkpoint, spareProblem } from './verify-save.js'

/** Summary of a run in a list; the figures of a damaged run are null. */
export interface RunSummary {
  readonly run: string
  readonly path: string
  readonly state: 'complete' | 'interrupted' | 'running' | 'damaged'
  readonly model: string | null
  readonly parameters: number | null
  readonly data: string | null
  /** SHA-256 of the training data; null for an imported run. */
  readonly data_hash: string | null
  readonly split: RunManifest['split']
  /** Epochs done. */
  readonly epochs: number | null
  readonly best_epoch: number | null
  /** Vectors of the longest context; with a history how far back contexts reach, and the fewest vectors of one. */
  readonly context: number | null
  readonly reach: number | 'article' | null
  readonly min_history: number | null
  /** Validation loss of the best epoch. */
  readonly val_loss: number | null
  /** Validation cosine of the best epoch. */
  readonly val_cosine: number | null
  /** Size of the folder on disk. */
  readonly bytes: number
  readonly saved_at: string | null
  /** Error of a damaged run. */
  readonly problem: { readonly code: ErrorCode; readonly message: string; readonly hint: string } | null
}
/** Everything recorded about a run. */
export interface RunDetails extends RunSummary {
  readonly generation: number | null
  /** Bytes by file. */
  readonly files: Readonly<Record<string, number>>
  readonly config: Readonly<Record<string, unknown>>
  readonly history: readonly HistoryRow[]
  /** Parts of the schedule after its first plan; empty without `extend`. */
  readonly extended: readonly Stretch[]
  /** Manifest without the files and the golden rows. */
  readonly manifest: Readonly<Record<string, unknown>>
  readonly holder: Holder | null
}

/** Reads a JSON file of a verified checkpoint; empty if the checkpoint has none. Errors: BAD_CHECKPOINT. */
const readJson = async ({ path, manifest }: Checkpoint, name: string): Promise<Record<string, unknown>> =>
  manifest.files[name] === undefined ? {} : readDocument(join(path, name))

/** Bytes of all files below a folder; hard links count once, symbolic links are not followed. */
export async function bytesIn(folder: string, seen = new Set<string>()): Promise<number> {
  let sum = 0
  for (const name of await names(folder)) {
    const entry = await lstat(join(folder, name)).catch(() => undefined) // a writer may have removed it
    if (entry === undefined || seen.has(`${entry.dev}:${entry.ino}`)) continue
    seen.add(`${entry.dev}:${entry.ino}`)
    sum += entry.isDirectory() ? await bytesIn(join(folder, name), seen) : entry.size
  }
  return sum
}

async function describe(folder: string, root: string, deep: boolean): Promise<RunDetails> {
  const [bytes, holder] = await Promise.all([bytesIn(folder), lockHolder(folder)])
  let checkpoint: Checkpoint | undefined
  let problem: LvmError | undefined
  let [config, curve]: [Record<string, unknown>, Partial<History>] = [{}, {}]
  try {
    checkpoint = await verifyRun(folder, { deep })
    config = await readJson(checkpoint, CONFIG)
    curve = await readJson(checkpoint, HISTORY)
    problem = await spareProblem(folder, checkpoint, deep)
  } catch (error) {
    problem = asLvmError(error)
    if (problem.code === 'RUN_MISSING' && holder !== undefined) problem = undefined // its first save is not written yet
  }
  const { golden: _, files = {}, ...manifest }: Partial<RunManifest> = checkpoint?.manifest ?? {}
  const history = curve.history ?? []
  const best = history.find(({ epoch }) => epoch === curve.best_epoch)
  return {
    run: runName(folder, root),
    path: folder,
    state: problem ? 'damaged' : holder ? 'running' : manifest.progress?.finished === false ? 'interrupted' : 'complete',
    model: manifest.model ?? null,
    parameters: manifest.parameters ?? null,
    data: manifest.data?.path ?? null,
    data_hash: manifest.data?.hash ?? null,
    split: manifest.split ?? null,
    epochs: checkpoint ? (history.at(-1)?.epoch ?? 0) : null,
    best_epoch: curve.best_epoch ?? null,
    context: manifest.context ?? null,
    reach: manifest.history ?? null,
    min_history: manifest.min_history ?? null,
    val_loss: best?.val_loss ?? null,
    val_cosine: best?.val_cosine ?? null,
    bytes,
    saved_at: manifest.saved_at ?? null,
    problem: problem ? { code: problem.code, message: problem.message, hint: problem.hint } : null,
    generation: checkpoint?.generation ?? null,
    files: Object.fromEntries(Object.entries(files).map(([name, record]) => [name, record.bytes])),
    config,
    history,
    extended: curve.extended ?? [],
    manifest,
    holder: holder ?? null,
  }
}

/** Lists the runs directly below `root` by name; large files are checked by size only. */
export const listRuns = asyncDoor('runs list', { root: optional(word) }, async (root = RUNS): Promise<RunSummary[]> => {
  const rows: RunSummary[] = []
  for (const name of (await names(root)).sort()) {
    const folder = resolve(root, name)
    if (!(await isRun(folder)) && (await lockHolder(folder)) === undefined) continue
    const { generation, files, config, history, extended, manifest, holder, ...summary } = await describe(folder, root, false)
    rows.push(summary)
  }
  return rows
})

/** Returns everything recorded about a run, and checks every byte; without `deep`, large files by size only. Errors: RUN_MISSING. */
export const showRun = asyncDoor(
  'runs show',
  { run: word, root: optional(word), options: only({ deep: optional(yesOrNo) }) },
  async (run: string, root = RUNS, { deep = true }: { deep?: boolean } = {}): Promise<RunDetails> =>
    describe(await findRun(run, root), root, deep),
)

/** File names of a save: those in its manifest, or all plain file names if the manifest is damaged. */
async function namesOf(path: string): Promise<string[]> {
  const read = await readManifest(path).catch(() => undefined)
  if (read !== undefined) return Object.keys(read.manifest.files)
  return (await isOurs(path)) && basename(dirname(path)) === 'generations' ? (await names(path)).filter(isFileName) : []
}

/** Removes the weights of single epochs, and their folder if it is empty then. */
async function removeEpochs(inside: string): Promise<void> {
  if (!(await isPlainFolder(inside))) return
  for (const name of (await names(inside)).filter(isEpochFile)) await rm(join(inside, name), { force: true })
  await removeLeftovers(inside)
  await rmdir(inside).catch(() => {})
}

/**
 * Removes the files of a run, and its folder if it is empty then; returns the names of other files, which are kept.
 *
 * Errors: RUN_LOCKED while a process writes the run; BAD_OPTION for a link to a folder, which is not followed.
 */
export const removeRun = asyncDoor('runs rm', { folder: word }, async (folder: string): Promise<{ kept: string[] }> => {
  if ((await lstat(folder)).isSymbolicLink()) throw badOption('runs rm', 'run', 'a folder', folder, 'give the target of the link')
  const lock = await lockRun(folder)
  try {
    const numbers = await generationNumbers(folder)
    const saves = [folder, ...numbers.map((generation) => generationFolder(folder, generation))]
    const inside = await Promise.all(saves.map(namesOf))
    for (const path of [...new Set(inside.flat())].map((name) => join(folder, name)))
      if (!(await isPlainFolder(path))) await rm(path, { force: true }) // a folder is never a file of a run
    for (const generation of numbers) await removeGeneration(folder, generation)
    if (await isPlainFolder(generationsOf(folder))) {
      await removeLeftovers(generationsOf(folder))
      for (const name of await names(generationsOf(folder))) {
        const path = join(generationsOf(folder), name)
        if (name === POINTER || (await lstat(path)).isSymbolicLink()) await rm(path, { force: true }) // removes a link, never its target
      }
      await rmdir(generationsOf(folder)).catch(() => {}) // it may contain a folder that is not ours
    }
    await removeEpochs(join(folder, EPOCHS))
    for (const name of (await names(folder)).filter(isLog)) await rm(join(folder, name), { force: true })
    await removeLeftovers(folder)
    await rm(join(folder, MANIFEST), { force: true }) // last, so that an interrupted removal can be repeated
  } finally {
    await lock.release()
  }
  const kept = await names(folder)
  if (kept.length === 0) await rmdir(folder)
  return { kept }
})
