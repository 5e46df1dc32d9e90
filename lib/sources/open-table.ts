import { DEFAULT_LIMITS, type Limits } from '../files/limits.js'
import { damaged, fileSize } from '../files/read-file.js'
import type { Table } from './table.js'

type Open = (path: string, limits: Limits) => Promise<Table>

/** The adapter of each ending; its libraries are loaded at the first use. */
const ADAPTERS: readonly (readonly [ends: RegExp, open: Open])[] = [
  [/\.parquet$/i, async (path) => (await import('./parquet-table.js')).parquetTable(path)],
  [/\.(arrows?|feather|ipc)$/i, async (path) => (await import('./arrow-table.js')).arrowTable(path)],
  [/\.jsonl(\.gz)?$/i, async (path, limits) => (await import('./json-table.js')).jsonTable(path, limits)],
  [/\.[ct]sv(\.gz)?$/i, async (path, limits) => (await import('./csv-table.js')).csvTable(path, limits)],
  [/\.(h5|hdf5)$/i, async (path, limits) => (await import('./hdf5-table.js')).hdf5Table(path, limits)],
  [/\.pth?$/i, async (path, limits) => (await import('./pt-table.js')).ptTable(path, limits)],
]

/** Opens a file of rows by its ending. Errors: FILE_MISSING, DATA_FORMAT. */
export async function openTable(path: string, limits: Limits = DEFAULT_LIMITS): Promise<Table> {
  await fileSize(path)
  const adapter = ADAPTERS.find(([ends]) => ends.test(path))
  if (adapter === undefined) throw damaged(path, 'expected a file whose ending says its format')
  return adapter[1](path, limits)
}

/** Whether a format is read in a thread of its own: parsing it keeps a thread busy for seconds. `.pt` needs no parsing. */
export const isParsed = (path: string): boolean => !/\.pth?$/i.test(path)
