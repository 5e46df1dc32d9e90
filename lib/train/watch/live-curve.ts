/** Figures of a point by name; null where there is none. */
export type Figures = Readonly<Record<string, number | null>>

/** Points from the place `from` on: the reader drops what it has from there, and appends these. */
export interface CurvePart {
  readonly columns: readonly string[]
  readonly from: number
  readonly rows: readonly (readonly (number | null)[])[]
  /** Most lines whose mean is one point. */
  readonly lines: number
}

/** Most points of a curve; before one more is added, each two neighbours become one. */
export const MOST_POINTS = 1024

const finite = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null)

/** Mean of two values that stand for `n` and `m` lines. */
const joined = (a: number | null, n: number, b: number | null, m: number): number | null =>
  a === null || b === null ? (a ?? b) : (a * n + b * m) / (n + m)

/** A curve that grows while it is read, in bounded memory: once it has the most points, a point is the mean of two lines, then of four, … */
export class LiveCurve {
  readonly #columns: readonly string[]
  readonly #latest: readonly boolean[]
  #rows: (number | null)[][] = []
  /** Lines of a point, and those of the last one so far. */
  #lines = 1
  #filled = 0
  /** First point that `change` has not told in its present form. */
  #changed = 0

  readonly #most: number

  /** `latest` names the columns whose last value counts in a point, not the mean. `most`: an even number of points. */
  constructor(columns: readonly string[], latest: readonly string[], most = MOST_POINTS) {
    this.#columns = columns
    this.#most = most
    this.#latest = columns.map((column) => latest.includes(column))
  }

  #join(a: readonly (number | null)[], n: number, b: readonly (number | null)[], m: number) {
    return a.map((value, i) => (this.#latest[i] ? (b[i] ?? value) : joined(value, n, b[i]!, m)))
  }

  #halve(): void {
    const pairs = this.#rows.length / 2
    this.#rows = Array.from({ length: pairs }, (_, i) => this.#join(this.#rows[2 * i]!, 1, this.#rows[2 * i + 1]!, 1))
    this.#lines *= 2
    this.#filled = this.#lines
    this.#changed = 0
  }

  add(figures: Readonly<Record<string, unknown>>): void {
    const row = this.#columns.map((column) => finite(figures[column]))
    if (this.#rows.length === this.#most && this.#filled === this.#lines) this.#halve()
    if (this.#rows.length > 0 && this.#filled < this.#lines) {
      this.#rows.push(this.#join(this.#rows.pop()!, this.#filled, row, 1))
      this.#filled++
    } else {
      this.#rows.push(row)
      this.#filled = 1
    }
    this.#changed = Math.min(this.#changed, this.#rows.length - 1)
  }

  /** Drops the points whose first figure is `from` or more, which a resumed training repeats. */
  cut(from: number): void {
    const at = this.#rows.findIndex(([first]) => first !== null && first! >= from)
    if (at < 0) return
    this.#rows.length = at
    this.#filled = this.#lines
    this.#changed = Math.min(this.#changed, at)
  }

  get length(): number {
    return this.#rows.length
  }

  /** All points. */
  whole(): CurvePart {
    return { columns: this.#columns, from: 0, rows: this.#rows, lines: this.#lines }
  }

  /** The points that are new or different since the last call; undefined without one. */
  change(): CurvePart | undefined {
    const from = this.#changed
    this.#changed = this.#rows.length
    return from < this.#rows.length ? { ...this.whole(), from, rows: this.#rows.slice(from) } : undefined
  }
}
