import { createHash } from 'node:crypto'
import type { Rows } from './baselines-rows.js'

export const sha256 = (...parts: (string | Uint8Array)[]): string => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
const bytes = (array: Int32Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

/** Hash of the data and the chosen windows: equal keys mean equal contexts and targets in the same order. */
export function rowsKey({ base, windows, ids }: Rows): string {
  const { first, target, article, length } = windows
  const columns = [first, target, article, ...(length === undefined ? [] : [length])].map((column) =>
    bytes(ids.map((id) => column[id]!)),
  )
  return sha256(`${base.hash} ${base.part} ${base.normalized} ${windows.context} ${windows.dim} ${ids.length} `, ...columns)
}
