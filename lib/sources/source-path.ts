import { existsSync } from 'node:fs'
import { badOption } from '../errors.js'
import { SELECTED, type Selection } from './table.js'

/** Endings of the formats that are converted before they are used. */
export const CONVERTED = [
  '.parquet',
  '.arrow',
  '.arrows',
  '.feather',
  '.ipc',
  '.csv',
  '.csv.gz',
  '.tsv',
  '.pt',
  '.pth',
  '.h5',
  '.hdf5',
] as const

/** A path with the columns to read from its file. */
export interface SourcePath {
  readonly file: string
  readonly selection: Selection
}

/** Reads `FILE#NAME`, or `FILE#vectors=NAME&articles=NAME`; a file whose own name has a # is taken as it is. Errors: BAD_OPTION. */
export function sourceOf(path: string): SourcePath {
  const at = path.indexOf('#')
  if (at <= 0 || existsSync(path)) return { file: path, selection: {} }
  const [file, said] = [path.slice(0, at), path.slice(at + 1)]
  const pairs = (said.includes('=') ? said : `vectors=${said}`)
    .split('&')
    .map((part) => part.split(/=(.*)/s, 2) as [string, string?])
  for (const [role, name] of pairs)
    if (!(SELECTED as readonly string[]).includes(role) || !name)
      throw badOption('data', 'path', `FILE#NAME or FILE#${SELECTED.map((key) => `${key}=NAME`).join('&')}`, path)
  return {
    file,
    selection: Object.fromEntries(pairs.map(([role, name]) => [role, name!.replace(/%2[56]/g, decodeURIComponent)])),
  }
}

/** Adds the columns to read to a path; those that it has stay. */
export function pathWith(path: string, selection: Selection): string {
  const { file, selection: own } = sourceOf(path)
  const all = { ...selection, ...own }
  const said = SELECTED.flatMap((role) =>
    all[role] === undefined ? [] : [`${role}=${all[role].replace(/[%&]/g, encodeURIComponent)}`],
  )
  return said.length === 0 ? path : `${file}#${said.join('&')}`
}
