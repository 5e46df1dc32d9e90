/** What `data make` does while it works, as `--json` prints it. */
export type MakeEvent =
  | {
      readonly type: 'start'
      readonly version: 1
      readonly texts: string
      readonly out: string
      readonly encoder: string
      readonly space: string
      readonly dim: number
      readonly threads: number
      /** Whether unfinished work is continued. */
      readonly resumed: boolean
    }
  /** The first pass over the texts; `done` at its end. */
  | {
      readonly type: 'scan'
      readonly version: 1
      readonly articles: number
      readonly rows: number
      readonly characters: number
      readonly done: boolean
    }
  | {
      readonly type: 'progress'
      readonly version: 1
      readonly rows: number
      readonly rows_total: number
      readonly articles: number
      readonly articles_total: number
      readonly rows_per_second: number
      readonly seconds_left: number | null
    }
  | { readonly type: 'warning'; readonly version: 1; readonly message: string }

/** Result of `makeData`. */
export interface MadeData {
  readonly version: 1
  /** File of vectors. */
  readonly out: string
  readonly side_file: string
  readonly card: string
  readonly rows: number
  readonly dim: number
  readonly dtype: 'float16' | 'float32'
  readonly articles: number
  readonly characters: number
  /** Rows of the longest article. */
  readonly longest_article: number
  /** Longest context, up to 5 rows, that leaves 20 windows to train on; 0 for none. */
  readonly context: number
  /** Texts without a sentence, which are left out. */
  readonly empty: number
  /** Articles by language. */
  readonly languages: Readonly<Record<string, number>>
  readonly space: string
  /** Rows that an earlier, interrupted call had made. */
  readonly resumed_rows: number
  readonly rows_per_second: number
  readonly seconds: number
}
