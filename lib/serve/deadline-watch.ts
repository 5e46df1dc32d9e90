/** Longest delay of a JavaScript timer. Units: ms */
const LONGEST = 2 ** 31 - 1

/** One timer for many deadlines: it calls `expire` at the earliest one, which returns the next. */
export class DeadlineWatch {
  private timer: NodeJS.Timeout | undefined
  private at = Number.POSITIVE_INFINITY
  constructor(private readonly expire: () => number) {}

  /** Units: ms of performance.now() */
  arm(deadline: number): void {
    if (deadline >= this.at) return
    this.clear()
    this.at = deadline
    const wait = Math.min(LONGEST, Math.max(0, Math.ceil(deadline - performance.now())))
    this.timer = setTimeout(() => {
      this.clear()
      this.arm(this.expire())
    }, wait)
  }
  clear(): void {
    clearTimeout(this.timer)
    this.at = Number.POSITIVE_INFINITY
  }
}
