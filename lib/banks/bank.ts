/** What a bank says of itself; it is stored in the database beside the rows. */
export interface BankFacts {
  readonly version: 1
  /** Hash and content hash of the base that was pushed. */
  readonly base_hash: string
  readonly content_hash: string
  readonly dim: number
  /** Encoder of the vectors; null if unknown. */
  readonly space: string | null
  /** Rows of the base. */
  readonly rows: number
  /** Whether every row is stored and the index is made. */
  readonly finished: boolean
}

/** Rows that follow one another. Shapes: vectors [count, dim]. */
export interface BankRows {
  /** First row. */
  readonly at: number
  readonly count: number
  readonly vectors: Float32Array
  readonly articles: readonly (string | null)[]
  readonly positions: readonly (number | null)[]
  readonly texts: readonly (string | null)[]
}

/** Queries that a database answers together. Shapes: queries [count, dim]. */
export interface NearOptions {
  readonly count: number
  readonly k: number
  /** Ranges of rows, begin … end), that are not searched. */
  readonly without: readonly (readonly [begin: number, end: number])[]
}

/** A bank in a database. Each database has an adapter with these methods, whose errors are those of `bankError`. */
export interface Bank {
  /** Address without a password. */
  readonly url: string
  /** Undefined where nothing has been pushed. */
  facts(): Promise<BankFacts | undefined>
  /** Stores the facts, and makes the table where there is none. */
  create(facts: BankFacts): Promise<void>
  /** Number of stored rows; `inOrder` says whether they are rows 0 to count − 1, each once. */
  stored(): Promise<{ readonly count: number; readonly inOrder: boolean }>
  /** Stores rows in one step, all or none. */
  add(rows: BankRows): Promise<void>
  /** Makes the index, unless `index` is false, and stores the facts. */
  finish(facts: BankFacts, index: boolean): Promise<void>
  /** Kind of the index; null without one. */
  index(): Promise<string | null>
  /** Reads rows in their order. */
  rows(at: number, count: number): Promise<BankRows>
  /** Rows nearest to each query. */
  nearest(queries: Float32Array, options: NearOptions): Promise<readonly (readonly number[])[]>
  close(): Promise<void>
}

/** Rows of an answer in their order, for each query that it numbers. */
export function rowsPerQuery(count: number, rows: ArrayLike<number>, queryOf: (at: number) => number): number[][] {
  const found = Array.from({ length: count }, (): number[] => [])
  for (let at = 0; at < rows.length; at++) found[queryOf(at)]!.push(rows[at]!)
  return found
}
