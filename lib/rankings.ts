/** Ranks of the targets of several queries in one pool, and the rows nearest to each query. */
export interface Ranking {
  /** Per query: rows more similar to it than its target. */
  ahead: Int32Array
  /** Per query: other rows exactly as similar to it as its target. */
  tied: Int32Array
  /** The k rows nearest to each query, nearest first; −1 where the pool is smaller. Shapes: [queries, k]. */
  rows: Int32Array
  /** Cosines of these rows with the query. Shapes: [queries, k]. */
  cosines: Float64Array
  /** Cosines of these rows with the target. Shapes: [queries, k]. */
  toTarget: Float64Array
}
export interface Retrieval {
  /** Ranking in the whole bank. */
  all: Ranking
  /** Ranking in the bank without the excluded rows. */
  allowed: Ranking
}
