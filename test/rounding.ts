import { afterAll, expect } from 'vitest'

/** Unit round-off of float32. */
export const ULP = 2 ** -24
/** How many times its own rounding error a float32 result may be from another one, which takes sums in another order or by other instructions. */
export const TIMES = 8

let nearest = { share: 0, what: 'nothing was compared' }

/**
 * Expects two float32 results no further apart than 8 times `own`: the error of one of them against float64, or what a rounding of its
 * largest number makes, whichever is more. The largest share of that is printed when the file ends.
 */
export function expectRounding(difference: number, own: number, what: string, largest = 1): void {
  const allowed = TIMES * Math.max(own, ULP * largest)
  if (difference / allowed > nearest.share) nearest = { share: difference / allowed, what }
  expect(difference, `${what}: ${TIMES} times its own rounding of ${own}`).toBeLessThanOrEqual(allowed)
}

/** Prints, after the tests of a file, how near they came to what rounding allows. */
export const printMargin = (): void =>
  afterAll(() => {
    const expectation = expect.getState().testPath?.split('/test/').at(-1)
    console.log(`${expectation}: at most ${(100 * nearest.share).toFixed(0)} % of what rounding allows (${nearest.what})`)
  })
