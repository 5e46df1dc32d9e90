import { afterAll, expect } from 'vitest'

/** Unit round-off of float32. */
export const ULP = 2 ** -24
/** Unit round-off of float64. */
export const ULP64 = 2 ** -53
/** How many times its own rounding error a float32 result may be from another one, which takes sums in another order or by other instructions. */
export const TIMES = 8

/** Rounding of a loss: the errors of some 4,000 operations in a row add up as a random walk does. */
const LOSS_ULPS = 64

let nearest = { share: 0, what: 'nothing was compared' }

/**
 * Expects two results no further apart than 8 times `own`, the error of one of them, or than 8 times what a rounding of their largest
 * number makes. The largest share of that is printed when the file ends.
 */
export function expectRounding(difference: number, own: number, what: string, largest = 1, ulp = ULP): void {
  const allowed = TIMES * Math.max(own, ulp * largest)
  if (difference / allowed > nearest.share) nearest = { share: difference / allowed, what }
  expect(difference, `${what}: ${TIMES} times its own error of ${own}`).toBeLessThanOrEqual(allowed)
}

/**
 * Expects a derivative to be the slope of a function, which is taken at two steps: central differences err by the square of the step, so
 * the two differ by three times the error of the smaller, and by the rounding of the function's values over the step. `own` is the error of the derivative.
 */
export async function expectSlope(
  derivative: number,
  value: (step: number) => Promise<number>,
  what: string,
  step: number,
  own = 0,
): Promise<void> {
  const [far, near, nearer, further] = [await value(-2 * step), await value(-step), await value(step), await value(2 * step)]
  const [slope, coarse] = [(nearer - near) / (2 * step), (further - far) / (4 * step)]
  expectRounding(
    Math.abs(slope - derivative),
    Math.max(own, Math.abs(coarse - slope) / 3),
    what,
    Math.abs(near) / step,
    LOSS_ULPS * ULP64,
  )
}

/** Prints, after the tests of a file, how near they came to what rounding allows. */
export const printMargin = (): void =>
  afterAll(() => {
    const expectation = expect.getState().testPath?.split('/test/').at(-1)
    console.log(`${expectation}: at most ${(100 * nearest.share).toFixed(0)} % of what rounding allows (${nearest.what})`)
  })
