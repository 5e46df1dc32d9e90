import { existsSync, statSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { badOption, fileError } from '../../errors.js'
import { readJsonObject } from '../../files/json.js'
import { syncFolder, writeNew } from '../../files/write.js'
import { PARTS } from './make-journal.js'
import type { MakeSettings } from './make-settings.js'
import type { Scan } from './scan-texts.js'
import { MAKING } from './text-files.js'

/** Paths of a base and of the folder of its unfinished files. */
export interface BasePaths {
  readonly vectors: string
  readonly lines: string
  readonly card: string
  readonly folder: string
}

/** The card that `data make` writes; its last file, so that its presence means that all others are complete. */
export interface MadeCard extends Omit<MakeSettings, 'version' | 'threads'> {
  readonly source: string
  readonly space: string
  readonly dtype: 'float16' | 'float32'
  readonly dim: number
  readonly rows: number
  readonly articles: number
  readonly characters: number
  readonly empty: number
  readonly languages: Readonly<Record<string, number>>
}

const CARD = 'card.json'

/** Paths for `--out`, with or without `.npy`. Errors: BAD_OPTION for a folder, or a name that ends in a slash. */
export function basePaths(out: string): BasePaths {
  const stem = out.replace(/\.npy$/i, '')
  const found = statSync(stem, { throwIfNoEntry: false })
  if (found?.isDirectory() || /[/\\]$/.test(out) || ['', '.', '..'].includes(basename(stem)))
    throw badOption('data make', 'out', 'the name of a base, such as data/notes', out, 'name a file: its folder is created')
  return { vectors: `${stem}.npy`, lines: `${stem}.jsonl`, card: `${stem}.card.json`, folder: stem + MAKING }
}

/** Requires that no base has that name. Errors: BAD_OPTION. */
export function requireFree({ vectors, lines, card }: BasePaths, force: boolean): void {
  const stem = vectors.slice(0, -'.npy'.length)
  const foreign = ['.npz', '.safetensors'].map((end) => stem + end).find((path) => existsSync(path))
  if (foreign !== undefined)
    throw badOption(
      'data make',
      'out',
      `another name, because ${foreign} would be a second base of that name,`,
      stem,
      'choose another --out',
    )
  const taken = [vectors, lines, `${lines}.gz`, card].find((path) => existsSync(path))
  if (taken !== undefined && !force)
    throw badOption(
      'data make',
      'out',
      `the name of a new base, because ${taken} exists,`,
      stem,
      'replace it with --force, or choose another --out',
    )
}

/** Makes the card from the settings of the first start and the counts of the texts. */
export function cardOf({ date, encoder, options, splitter }: MakeSettings, scan: Scan, dim: number): MadeCard {
  return {
    space: encoder.space,
    source: 'lvm-torch data make',
    encoder,
    dtype: options.dtype as MadeCard['dtype'],
    dim,
    rows: scan.rows,
    articles: scan.articles,
    characters: scan.characters,
    empty: scan.empty,
    languages: Object.fromEntries([...scan.languages].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))),
    splitter,
    options,
    date,
  }
}

/** Moves the files of a complete base to their names; a call after a kill moves the rest. */
async function moveParts(paths: BasePaths): Promise<void> {
  const { vectors, lines, card, folder } = paths
  for (const [part, path] of [
    [PARTS.lines, lines],
    [PARTS.vectors, vectors],
    [CARD, card],
  ] as const)
    if (existsSync(join(folder, part))) {
      if (path === lines) await rm(`${lines}.gz`, { force: true }) // it would be read instead
      if (path === lines) await rm(vectors, { force: true }) // old vectors must not meet new lines
      await rename(join(folder, part), path)
    }
  await syncFolder(dirname(vectors))
}

/** Publishes a base whose vectors and lines are complete. Errors: NO_DISK, FILE_ACCESS. */
export async function publishBase(paths: BasePaths, card: MadeCard): Promise<void> {
  try {
    await rm(join(paths.folder, CARD), { force: true })
    await writeNew(join(paths.folder, CARD), `${JSON.stringify(card, null, 2)}\n`)
    await syncFolder(paths.folder)
    await moveParts(paths)
  } catch (error) {
    throw fileError(error, `could not publish ${paths.vectors}`)
  }
}

/** Finishes a publication that was cut off, and returns its card; undefined when there was none. */
export async function finishPublication(paths: BasePaths): Promise<MadeCard | undefined> {
  const card = join(paths.folder, CARD)
  if (!existsSync(card)) return undefined
  const found = await readJsonObject(card).catch(() => undefined)
  if (found === undefined) return undefined // half-written
  await moveParts(paths)
  return found as unknown as MadeCard
}

/** Creates the folder of an unfinished base. */
export const makeFolder = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true }).catch((error) => {
    throw fileError(error, `could not create ${folder}`)
  })
}
