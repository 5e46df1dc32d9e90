/** Context of `ceiling` and `train` by default. */
export const USUAL_CONTEXT = 5
/** Training windows that `ceiling` needs. */
export const FEWEST_WINDOWS = 20
/** Share of the articles that is held out. */
const HELD_OUT = 0.1

/** Returns the longest context, up to the usual one, that leaves enough training windows of two articles at least; 0 for none. `lengths` counts articles by rows. */
export function trainingContext(lengths: ReadonlyMap<number, number>): number {
  for (let context = USUAL_CONTEXT; context > 0; context--) {
    let [windows, articles] = [0, 0]
    for (const [rows, n] of lengths) {
      if (rows <= context) continue
      windows += n * (rows - context)
      articles += n
    }
    const held = Math.max(1, Math.round(HELD_OUT * articles))
    if (articles > 1 && windows * (1 - held / articles) >= FEWEST_WINDOWS) return context
  }
  return 0
}
