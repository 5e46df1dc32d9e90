/** A vector in the notation of pgvector: nine digits keep every float32. */
export const vectorText = (vectors: Float32Array, at: number, dim: number): string =>
  `[${Array.from(vectors.subarray(at * dim, (at + 1) * dim), (x) => x.toPrecision(9)).join()}]`

/** Vectors of an answer, one after the other. */
export function vectorsOf(rows: readonly { readonly vector?: string }[]): Float32Array {
  const lists = rows.map(({ vector }) => JSON.parse(vector!) as number[])
  const all = new Float32Array(lists.reduce((sum, list) => sum + list.length, 0))
  let at = 0
  for (const list of lists) {
    all.set(list, at)
    at += list.length
  }
  return all
}
