import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { EPOCHS, epochFile, isEpochFile } from '../checkpoint/run-folder.js'
import type { HistoryRow } from '../checkpoint/run-manifest.js'
import { saveError } from '../files/disk.js'
import { names } from '../files/leftovers.js'
import { syncFile, syncFolder, temporary } from '../files/write.js'
import type { TrainSettings } from './recipe.js'
import { isBetter } from './selection.js'

/** Epochs whose weights stay in the folder `epochs`: the last ones and the best ones, never the untrained model. */
export function keptEpochs(train: TrainSettings, history: readonly HistoryRow[]): Set<number> {
  const rows = history.filter(({ epoch }) => epoch > 0)
  const best = rows.toSorted((a, b) => Number(isBetter(train, b, a)) - Number(isBetter(train, a, b))).slice(0, train.keepBest)
  return new Set([...best, ...(train.keepLast === 0 ? [] : rows.slice(-train.keepLast))].map(({ epoch }) => epoch))
}

/** Writes the weights of an epoch, before the save that has its row: after a kill between them the resumed run writes them again. */
export async function keepEpoch(folder: string, epoch: number, write: (path: string) => Promise<void>): Promise<void> {
  const inside = join(folder, EPOCHS)
  try {
    await mkdir(inside, { recursive: true })
    const part = temporary(inside)
    await write(part)
    await syncFile(part)
    await rename(part, join(inside, epochFile(epoch)))
    await syncFolder(inside)
  } catch (error) {
    throw await saveError(error, folder, 'the last save is intact')
  }
}

/** Removes the weights of all other epochs. */
export async function dropEpochs(folder: string, kept: ReadonlySet<number>): Promise<void> {
  const inside = join(folder, EPOCHS)
  const wanted = new Set(Array.from(kept, epochFile))
  for (const name of await names(inside))
    if (isEpochFile(name) && !wanted.has(name)) await rm(join(inside, name), { force: true })
}
