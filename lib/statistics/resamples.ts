import { randomIndex } from './random-index.js'

/** Most draws that are kept. Units: draws of 2 bytes. */
const MOST = 8_000_000

let kept: { readonly seed: number; readonly below: number; readonly resamples: number; readonly drawn: Uint16Array } | undefined

/**
 * The numbers below `below` that each of `resamples` resamples draws, as many as there are numbers; to be read in order, from the first resample.
 *
 * The last ones are kept, because a verb asks for hundreds of intervals over the same articles and drawing takes most of their time.
 */
export function resampled(seed: number, below: number, resamples: number): (resample: number) => Uint16Array | Int32Array {
  const draw = randomIndex(seed)
  if (below > 2 ** 16 || below * resamples > MOST) {
    const drawn = new Int32Array(below)
    return () => drawn.map(() => draw(below))
  }
  if (kept?.seed !== seed || kept.below !== below || kept.resamples !== resamples) {
    const drawn = new Uint16Array(below * resamples)
    for (let i = 0; i < drawn.length; i++) drawn[i] = draw(below)
    kept = { seed, below, resamples, drawn }
  }
  const { drawn } = kept
  return (resample) => drawn.subarray(resample * below, (resample + 1) * below)
}
