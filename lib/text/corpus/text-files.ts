import { existsSync } from 'node:fs'
import { lstat, readdir, stat } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { fileError, LvmError } from '../../errors.js'
import { count } from '../../show.js'

const KINDS = { txt: 'plain', text: 'plain', md: 'markdown', markdown: 'markdown', jsonl: 'records', ndjson: 'records' } as const
const ENDING = /\.([a-z]+)(?:\.gz)?$/i
const EXPECTED = '.txt, .md or .jsonl, also packed as .gz'

/** A file of texts: `plain` and `markdown` hold one article, `records` one per line. */
export interface TextFile {
  readonly path: string
  /** Path below the folder of texts, with slashes; the name of a file that was named itself. */
  readonly name: string
  readonly kind: (typeof KINDS)[keyof typeof KINDS]
}

/** Numbers of files that were left out, by extension or by what they are instead of a file, such as `linked folder`. */
export type LeftOut = Map<string, number>

const kindOf = (name: string): TextFile['kind'] | undefined => {
  const ending = ENDING.exec(name)?.[1]?.toLowerCase() ?? ''
  return Object.hasOwn(KINDS, ending) ? KINDS[ending as keyof typeof KINDS] : undefined
}

/** Ending of the folder of an unfinished base. */
export const MAKING = '.making'

const byCodeUnit = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** Errors: FILE_ACCESS for a name that is not UTF-8, which Node cannot open as text. */
async function requireName(path: string): Promise<void> {
  if (!path.includes('\ufffd') || existsSync(path)) return
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined)
    throw new LvmError('FILE_ACCESS', `${path}: its name is not UTF-8, so that it cannot be opened`, {
      hint: 'rename it: each \ufffd stands for a byte that is not UTF-8',
    })
}

async function* below(folder: string, prefix: string, leftOut: LeftOut): AsyncGenerator<TextFile> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error) => {
    throw fileError(error, `could not read ${folder}`)
  })
  const skip = (why: string) => leftOut.set(why, (leftOut.get(why) ?? 0) + 1)
  // A folder sorts as its name with a slash, so that the order is that of the whole paths.
  const names = new Set(entries.map((entry) => entry.name))
  const isSideFile = (name: string) => names.has(name.replace(/\.jsonl(\.gz)?$/i, '.npy'))
  const sorted = entries
    .filter(({ name }) => !name.startsWith('.'))
    .map((entry) => ({ entry, key: entry.isDirectory() ? `${entry.name}/` : entry.name }))
    .sort((a, b) => byCodeUnit(a.key, b.key))
  for (const { entry } of sorted) {
    const path = join(folder, entry.name)
    const name = prefix + entry.name
    const kind = kindOf(entry.name)
    if (entry.isDirectory() || kind !== undefined) await requireName(path)
    if (entry.isDirectory() && entry.name.endsWith(MAKING)) skip('unfinished base')
    else if (entry.isDirectory()) yield* below(path, `${name}/`, leftOut)
    else {
      const target = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry
      if (target?.isDirectory()) skip('linked folder')
      else if (kind !== undefined && target === undefined) skip('link to nothing')
      else if (kind !== undefined && !target?.isFile()) skip('pipe or device')
      else if (kind === 'records' && isSideFile(entry.name)) skip('side file of vectors')
      else if (kind !== undefined) yield { path, name, kind }
      else skip(extname(entry.name).toLowerCase() || 'no extension')
    }
  }
}

/**
 * Lists the files of texts in a folder and the folders below it, or the one file that is named.
 *
 * The order is that of the paths with slashes, compared by UTF-16 unit. Names that begin with a dot, linked folders and other file types are left out.
 * Errors: FILE_MISSING, FILE_ACCESS; BAD_OPTION for a file of another type.
 */
export async function* textFiles(texts: string, leftOut: LeftOut = new Map()): AsyncGenerator<TextFile> {
  const found = await stat(texts).catch(async (error) => {
    const isLink = await lstat(texts).then(
      () => true,
      () => false,
    )
    const what = isLink ? 'a link to nothing' : 'no file or folder'
    throw error.code === 'ENOENT'
      ? new LvmError('FILE_MISSING', `data make: expected a folder or file of texts but there is ${what} at "${texts}"`)
      : fileError(error, `could not read ${texts}`)
  })
  if (found.isDirectory()) return yield* below(texts, '', leftOut)
  const kind = kindOf(texts)
  if (!found.isFile() || kind === undefined) {
    throw new LvmError(
      'BAD_OPTION',
      `data make: expected a folder, or a file whose name ends in ${EXPECTED}, but received "${texts}"`,
      {
        hint: 'rename the file, or give the folder that holds the texts',
      },
    )
  }
  yield { path: texts, name: basename(texts), kind }
}

/** Names the files that were left out, the most frequent first: «312 files (.html 300, .pdf 12)»; undefined when there are none. */
export function leftOutText(leftOut: LeftOut): string | undefined {
  const all = [...leftOut].sort(([, a], [, b]) => b - a)
  const total = all.reduce((sum, [, n]) => sum + n, 0)
  if (total === 0) return undefined
  const first = all.slice(0, 5).map(([ending, n]) => `${ending} ${count(n)}`)
  return `${count(total)} ${total === 1 ? 'file' : 'files'} left out (${first.join(', ')}${all.length > 5 ? ', …' : ''})`
}
