import { asyncDoor, word } from '../door.js'
import { LvmError } from '../errors.js'
import { removeGeneration } from './generation.js'
import { bytesIn } from './list-runs.js'
import { BEST, EARLIER, FINAL, type RunManifest } from './run-manifest.js'
import { openStore } from './run-store.js'

/** A manifest without the files that only `--resume` needs; unchanged where there are none, or no best weights. */
export function withoutTraining(manifest: RunManifest): RunManifest {
  const { files, golden } = manifest
  if (files[FINAL] === undefined || files[BEST] === undefined) return manifest
  const name = 'best_model'
  const own = <T>(of: Record<string, T>) => ({ [name]: of[name]! })
  return {
    ...manifest,
    files: Object.fromEntries(Object.entries(files).filter(([file]) => file !== FINAL && file !== EARLIER)),
    golden: { ...golden, outputs: own(golden.outputs), engines: own(golden.engines) },
  }
}

/**
 * Removes what only `--resume` needs from a run: final_model.pt with the state of the optimizer, and the save before the last one. The best
 * weights, history and settings stay.
 *
 * Units: bytes. Errors: RUN_MISSING, RUN_LOCKED, BAD_CHECKPOINT; BAD_OPTION for a run without best weights.
 */
export const pruneRun = asyncDoor('runs prune', { folder: word }, async (folder: string): Promise<{ freed: number }> => {
  const before = await bytesIn(folder)
  const store = await openStore(folder)
  try {
    const current = store.current()
    if (current === undefined) throw new LvmError('RUN_MISSING', `${folder}: expected a run but nothing was saved there`)
    const manifest = current.manifest as RunManifest
    const { version: _, generation, saved_at: __, digest: ___, files, ...facts } = withoutTraining(manifest)
    if (manifest.files[FINAL] !== undefined) {
      if (files[BEST] === undefined)
        throw new LvmError('BAD_OPTION', `runs prune: expected a run with best weights but no epoch of ${folder} has ended`, {
          hint: 'remove it with: runs rm',
        })
      await store.save({ files: {}, keep: Object.keys(files), manifest: facts })
      await removeGeneration(folder, generation)
    } else await removeGeneration(folder, generation - 1)
  } finally {
    await store.close()
  }
  return { freed: Math.max(0, before - (await bytesIn(folder))) }
})
