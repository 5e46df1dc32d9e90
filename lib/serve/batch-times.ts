/** Weight of the newest batch. */
const NEWEST = 0.1

/** Shares by which the lag follows a longer and a shorter one, so that it stays near the longest of the recent ones. */
const [RISE, FALL] = [0.2, 0.01]

/** Time that requests take beyond the expected time of their batches: reading, parsing and waiting for the JavaScript thread. */
export class Lag {
  /** Units: ms */
  value = 0
  /** A longer lag counts as `most`, so that one long stop is forgotten soon. */
  constructor(private readonly most: number) {}
  add(ms: number): void {
    const more = Math.min(this.most, Math.max(0, ms)) - this.value
    this.value += (more > 0 ? RISE : FALL) * more
  }
}

/** Measured times of batches, fitted as one time for each batch and one for each context; newer batches count more. */
export class BatchTimes {
  private contexts = 0
  private ms = 0
  private squares = 0
  private products = 0

  add(contexts: number, ms: number): void {
    const weight = this.contexts === 0 ? 1 : NEWEST
    this.contexts += weight * (contexts - this.contexts)
    this.ms += weight * (ms - this.ms)
    this.squares += weight * (contexts ** 2 - this.squares)
    this.products += weight * (contexts * ms - this.products)
  }
  /** Time of so many contexts in batches of at most `most`; 0 before the first batch. Units: ms */
  of(contexts: number, most: number): number {
    if (this.contexts === 0) return 0
    const variance = this.squares - this.contexts ** 2
    const whole = this.ms / this.contexts // of batches of one size nothing more is known
    const slope = variance > 1e-6 * this.squares ? (this.products - this.contexts * this.ms) / variance : whole
    const each = Math.min(whole, Math.max(0, slope))
    return (this.ms - each * this.contexts) * Math.ceil(contexts / most) + each * contexts
  }
}
