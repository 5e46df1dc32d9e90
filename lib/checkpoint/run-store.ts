import { rmdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileError, LvmError } from '../errors.js'
import { requireDisk, saveError } from '../files/disk.js'
import { removeLeftovers } from '../files/leftovers.js'
import { lockRun } from '../files/lock.js'
import { adoptCopy, mendGeneration, point, prune, removeGeneration, renewTop, type Save, writeGeneration } from './generation.js'
import { isFileName } from './manifest.js'
import { generationNumbers, generationsOf, isPlainFolder } from './run-folder.js'
import { type Checkpoint, type Found, inspectRun, newestWhole, spareProblem } from './verify-save.js'

/** A run locked for writing by this process until it is closed. */
export interface Store {
  readonly folder: string
  /** Sentence on the damage and the save in use; only when a resumed run was damaged. */
  readonly rescued?: string
  /** Current save; undefined before the first. */
  current(): Checkpoint | undefined
  /** Saves atomically: the previous save stays until this one is complete. Errors: NO_DISK. */
  save(save: Save): Promise<Checkpoint>
  close(): Promise<void>
}

function checkSave(folder: string, { files, keep = [] }: Save, before: Checkpoint | undefined): void {
  const wrong = [...Object.keys(files), ...keep].find((name, i, all) => !isFileName(name) || all.indexOf(name) !== i)
  const unknown = keep.find((name) => before?.manifest.files[name] === undefined)
  const refuse = (expected: string, name: string) =>
    new LvmError('INTERNAL', `save of ${basename(folder)}: expected ${expected} but received "${name}"`)
  if (wrong !== undefined) throw refuse('plain file names, each once', wrong)
  if (unknown !== undefined) throw refuse('"keep" to name files of the previous save', unknown)
}

/**
 * Opens a run for writing, creates its folder if needed, and repairs the remains of a kill.
 *
 * Errors: RUN_LOCKED while another process writes it; BAD_CHECKPOINT if it is damaged, in which case nothing is removed.
 */
export async function openStore(folder: string): Promise<Store> {
  const lock = await lockRun(folder)
  let now: Found
  const close = async () => {
    await lock.release()
    for (const empty of [generationsOf(folder), folder]) await rmdir(empty).catch(() => {}) // removes them only if nothing was saved
  }
  const look = async (deep: boolean): Promise<Found> => {
    const found = await inspectRun(folder, deep)
    await prune(folder, found.checkpoint?.generation ?? 0)
    return found
  }
  const renew = async () => {
    if (now.checkpoint && now.halfRenewed) now = { ...now, halfRenewed: !(await renewTop(folder, now.checkpoint)) }
  }
  try {
    now = await look(true)
    await removeLeftovers(folder)
    if (await isPlainFolder(generationsOf(folder))) await removeLeftovers(generationsOf(folder))
    if (now.checkpoint === undefined) await rmdir(generationsOf(folder)).catch(() => {})
    if (now.checkpoint?.path === folder) now = { ...now, checkpoint: await adoptCopy(folder, now.checkpoint) }
    await renew()
  } catch (error) {
    await close()
    throw error
  }

  const saveNow = async (save: Save): Promise<Checkpoint> => {
    const before = now.checkpoint
    checkSave(folder, save, before)
    const estimate = Object.keys(save.files).reduce((sum, name) => sum + (before?.manifest.files[name]?.bytes ?? 0), 0)
    try {
      await renew()
      await requireDisk(folder, save.bytes ?? estimate)
      const next = await writeGeneration(folder, (before?.generation ?? 0) + 1, before, save)
      await point(folder, next)
      now = { checkpoint: next, halfRenewed: true }
      await renew()
      await prune(folder, next.generation)
      return next
    } catch (error) {
      now = await look(false).catch(() => now) // the disk decides whether this save is current
      throw await saveError(error, folder, now.checkpoint ? `save ${now.checkpoint.generation} is intact` : 'nothing was saved')
    }
  }
  let tail: Promise<unknown> = Promise.resolve()
  return {
    folder,
    current: () => now.checkpoint,
    save: (save) => {
      const saved = tail.then(() => saveNow(save))
      tail = saved.catch(() => {})
      return saved
    },
    close: () => tail.then(close),
  }
}

/**
 * Verifies every byte of a run's checkpoint and returns it; without `deep`, files above 1 MiB are checked by size only.
 *
 * Errors: RUN_MISSING before the first save; BAD_CHECKPOINT with the file, what was expected and received, and the intact saves.
 */
export async function verifyRun(folder: string, { deep = true }: { deep?: boolean } = {}): Promise<Checkpoint> {
  const { checkpoint, halfRenewed } = await inspectRun(folder, deep)
  if (checkpoint === undefined) throw new LvmError('RUN_MISSING', `${folder}: expected a run but nothing was saved there`)
  const renewed = halfRenewed ? openStore(folder).then((store) => store.close()) : undefined
  await renewed?.catch(() => {}) // otherwise the holder of the lock repairs it
  return checkpoint
}

/**
 * Repairs damaged files from intact copies, makes the newest intact generation the current one, and updates the files at the top of the
 * run folder from it.
 *
 * Errors: RUN_LOCKED; BAD_CHECKPOINT without an intact generation.
 */
export async function restoreRun(folder: string): Promise<Checkpoint> {
  const lock = await lockRun(folder)
  try {
    for (const generation of await generationNumbers(folder)) await mendGeneration(folder, generation).catch(() => {})
    const whole = await newestWhole(folder)
    if (whole === undefined) throw new LvmError('BAD_CHECKPOINT', `${folder}: expected an intact generation but there is none`)
    await point(folder, whole.checkpoint)
    await renewTop(folder, whole.checkpoint)
    if (await spareProblem(folder, whole.checkpoint, true)) await removeGeneration(folder, whole.checkpoint.generation - 1)
    return whole.checkpoint
  } catch (error) {
    throw fileError(error, `could not restore ${folder}`)
  } finally {
    await lock.release()
  }
}
