import { existsSync, statSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { badOption, fileError } from '../../errors.js'
import { readJsonObject } from '../../files/json.js'
import { replaceText, syncFolder } from '../../files/write.js'
import { PARTS } from './make-journal.js'
import type { MakeSettings } from './make-settings.js'
import type { Scan } from './scan-texts.js'
import { MAKING } from './text-files.js'

/** Paths of a base. */
export interface BasePaths {
  readonly vectors: string
  readonly lines: string
  readonly card: string
  /** Folder of an unfinished base. */
  readonly folder: string
  /** Its name once the base is published, until it is removed. */
  readonly done: string
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

/** The card in the folder of an unfinished base: its vectors and lines are complete. */
export const CARD = 'card.json'

/** Paths for `--out`, with or without `.npy`. Errors: BAD_OPTION for a folder, or a name that ends in a slash. */
export function basePaths(out: string): BasePaths {
  const stem = out.replace(/\.npy$/i, '')
  const found = statSync(stem, { throwIfNoEntry: false })
  if (found?.isDirectory() || /[/\\]$/.test(out) || ['', '.', '..'].includes(basename(stem)))
    throw badOption('data make', 'out', 'the name of a base, such as data/notes', out, 'name a file: its folder is created')
  return {
    vectors: `${stem}.npy`,
    lines: `${stem}.jsonl`,
    card: `${stem}.card.json`,
    folder: stem + MAKING,
    done: `${stem}.done${MAKING}`,
  }
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
async function moveParts({ vectors, lines, card, folder }: BasePaths): Promise<void> {
  const has = (part: string) => existsSync(join(folder, part))
  if (has(PARTS.lines)) {
    // a base that is replaced goes first, so that no file of it meets a new one
    for (const path of [card, vectors, `${lines}.gz`]) await rm(path, { force: true })
    await rename(join(folder, PARTS.lines), lines)
  }
  if (has(PARTS.vectors)) await rename(join(folder, PARTS.vectors), vectors)
  await replaceText(dirname(card), basename(card), await readFile(join(folder, CARD), 'utf8'))
  await syncFolder(dirname(vectors))
}

/** Publishes a base whose vectors and lines are complete. Errors: NO_DISK, FILE_ACCESS. */
export async function publishBase(paths: BasePaths, card: MadeCard): Promise<void> {
  try {
    await replaceText(paths.folder, CARD, `${JSON.stringify(card, null, 2)}\n`)
    await moveParts(paths)
  } catch (error) {
    throw fileError(error, `could not publish ${paths.vectors}`)
  }
}

/** Whether a publication was begun; the folder keeps the card until it is set aside. */
export const isPublishing = ({ folder }: BasePaths): boolean => existsSync(join(folder, CARD))

/** Finishes a publication that was cut off, and returns its card; undefined when there was none. */
export async function finishPublication(paths: BasePaths): Promise<MadeCard | undefined> {
  if (!isPublishing(paths)) return undefined
  await moveParts(paths)
  return (await readJsonObject(paths.card)) as unknown as MadeCard
}

/** Renames the folder of a published base, so that a kill while it is removed leaves no unfinished base. */
export const setAside = ({ folder, done }: BasePaths): Promise<void> =>
  rename(folder, done).catch(() => rm(folder, { recursive: true, force: true })) // some systems keep a folder whose lock is open

/** Removes the folder of a published base. */
export const removeDone = ({ done }: BasePaths): Promise<void> => rm(done, { recursive: true, force: true })

/** Creates the folder of an unfinished base. */
export const makeFolder = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true }).catch((error) => {
    throw fileError(error, `could not create ${folder}`)
  })
}
