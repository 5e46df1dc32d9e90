import { MAP_FROM } from '../files/arrays.js'

/** Memory of articles, positions, windows, split and scores for each row, and what reading them leaves to be collected. Units: bytes. */
const [ROW, LEFT, MOST_LEFT] = [100, 200, 45e6]
/** Pages of a mapped file are given back once so many were read. Units: bytes. */
const PAGES = 256 << 20

/** Memory that data takes in each rank. Units: bytes. */
export interface RowsMemory {
  readonly rows: number
  readonly vectors: number
  /** Size of a mapped file; 0 for vectors in memory. */
  readonly mapped: number
}

/** Memory of a .npy in float32. Units: bytes. */
export function rowsMemory({ rows, dim, normalize }: { rows: number; dim: number; normalize: boolean }): RowsMemory {
  const size = 4 * rows * dim
  const copy = normalize ? size : 0
  const own = ROW * rows + Math.min(MOST_LEFT, LEFT * rows)
  if (size < MAP_FROM) return { rows: own, vectors: size + copy, mapped: 0 }
  return { rows: own, vectors: Math.min(size, PAGES) + copy, mapped: size }
}
