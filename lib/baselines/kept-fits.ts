import { join } from 'node:path'
import { type CacheEntry, readEntry, writeEntry } from '../files/cache-entry.js'
import { cacheRoot } from '../libtorch/paths.js'
import { stage } from '../stages.js'
import { machineKey } from '../torch/multiplier.js'
import type { Rows } from './baselines-rows.js'
import { rowsKey, sha256 } from './rows-key.js'

/** Part of the key. Raise it when a change of code changes a fit. */
const VERSION = 3
/** Units: bytes. */
const MOST = 1e9

/** Cache folder of fits and of the baselines' results. */
export const baselinesCache = (): string => join(cacheRoot(), 'baselines')

/** How a fit becomes numbers, and numbers a fit. */
export interface Form<Fit, About extends object> {
  pack(fit: Fit): Promise<CacheEntry<About>>
  unpack(entry: CacheEntry<About>): Fit
}

/** Returns a fit from the cache folder, or makes it and keeps it there; without a folder it is always made. */
export async function kept<Fit, About extends object>(
  folder: string | undefined,
  name: string,
  train: Rows,
  form: Form<Fit, About>,
  make: () => Promise<Fit>,
): Promise<Fit> {
  if (folder === undefined) return make()
  const key = sha256(`${VERSION} ${name} ${machineKey()} ${rowsKey(train)}`)
  const known = await stage('read a kept fit', () => readEntry<About>(folder, key))
  if (known !== undefined) return form.unpack(known)
  const fit = await make()
  await writeEntry(folder, key, await form.pack(fit), MOST)
  return fit
}

const NONE = new Uint8Array(0)
/** Form of a fit that is plain data. */
export const plain = <Fit extends object>(): Form<Fit, Fit> => ({
  pack: async (about) => ({ about, bytes: NONE }),
  unpack: ({ about }) => about,
})
