import { expect, it } from 'vitest'
import { findKnee, findKneeAndOverload, type Measure } from '../../lib/loadtest/find-knee.js'
import type { Stage } from '../../lib/loadtest/load-stage.js'
import { overLimit } from '../../lib/loadtest/measure-stage.js'

/** A server that meets the objective up to a rate; `close` rates above it fail so little that they are repeated. */
function simulated(capacity: number, { confirms = capacity, close = 0 } = {}) {
  const asked: { purpose: string; rate: number; times: number }[] = []
  const measure: Measure = async (load) => {
    asked.push(load)
    const met = load.rate <= (load.purpose === 'confirm' ? confirms : capacity)
    const share = met ? 0 : load.rate <= capacity + close ? 0.02 : 0.5
    return { ...load, met, answered: 1000, rejected: 0, failed: 0, over_limit: { share, upper95: share } } as unknown as Stage
  }
  return { asked, measure }
}
const search = { first: 10, most: 1e6, precision: 0.05 }

it.each([0.3, 7, 10, 333, 5000])('the search finds a capacity of %d a second to its precision', async (capacity) => {
  const { measure, asked } = simulated(capacity)
  const found = await findKnee(measure, search)
  expect(found!.rate).toBeLessThanOrEqual(capacity)
  expect(found!.rate).toBeGreaterThanOrEqual(capacity / 1.0501)
  expect(found).toMatchObject({ purpose: 'confirm', met: true })
  expect(asked.at(-1)).toMatchObject({ purpose: 'confirm', times: 3 })
})
it('a confirmation that fails lowers the rate until one holds', async () => {
  const { measure, asked } = simulated(100, { confirms: 90 })
  const found = await findKnee(measure, search)
  expect(found!.rate).toBeLessThanOrEqual(90)
  expect(found!.rate).toBeGreaterThan(90 / 1.0501)
  expect(asked.filter(({ purpose }) => purpose === 'confirm').length).toBeGreaterThan(1)
})
it('a rate that is never confirmed is returned as not met', async () => {
  const { measure } = simulated(100, { confirms: 0 })
  expect(await findKnee(measure, search)).toMatchObject({ purpose: 'confirm', met: false })
})
it('a stage that fails closely, or ends the doubling, is repeated once, and another is not', async () => {
  const failed = async (close: number) => {
    const { measure, asked } = simulated(22, { close })
    await findKnee(measure, search)
    return [40, Math.sqrt(800)].map((rate) => asked.filter((load) => load.rate === rate && load.purpose !== 'confirm').length)
  }
  expect(await failed(10)).toEqual([2, 2])
  expect(await failed(0)).toEqual([2, 1])
})
it('a disturbance that spoils one stage does not end the doubling', async () => {
  const { measure } = simulated(1000)
  let stages = 0
  const disturbed: Measure = async (load) => {
    const stage = await measure(load)
    return ++stages === 2 ? { ...stage!, met: false, over_limit: { share: 0.3, upper95: 0.4 } } : stage
  }
  expect((await findKnee(disturbed, search))!.rate).toBeGreaterThan(900)
})
it('an overload that meets the objective shows that the search ended too early, and it goes on', async () => {
  const { measure, asked } = simulated(1000)
  let stages = 0
  const disturbed: Measure = async (load) => {
    const stage = await measure(load)
    return [2, 3].includes(++stages) ? { ...stage!, met: false, over_limit: { share: 0.3, upper95: 0.4 } } : stage
  }
  const [found, over] = await findKneeAndOverload(disturbed, search, 2)
  expect(found!.rate).toBeGreaterThan(900)
  expect(over).toMatchObject({ rate: 2 * found!.rate!, met: false })
  expect(asked.filter(({ purpose }) => purpose === 'overload').length).toBeGreaterThan(1)
})
it('the highest rate is searched once without an overload, or when the overload fails', async () => {
  const overloads = async (factor: number) => {
    const { measure, asked } = simulated(100)
    await findKneeAndOverload(measure, search, factor)
    return asked.filter(({ purpose }) => purpose === 'overload').length
  }
  expect(await Promise.all([0, 1, 2].map(overloads))).toEqual([0, 1, 1])
})
it('the search stops at the highest allowed rate, and finds nothing where no rate meets the objective', async () => {
  expect((await findKnee(simulated(1e9).measure, { ...search, most: 50 }))!.rate).toBe(50)
  expect(await findKnee(simulated(0).measure, search)).toBeNull()
})
it('a search that is stopped returns nothing', async () => {
  expect(await findKnee(async () => undefined, search)).toBeNull()
})
it('the interval of the share above the limit is wider for answers that come in bursts, and never zero', () => {
  const answered = new Array<number>(10).fill(1000)
  const even = overLimit({ answered, over: new Array<number>(10).fill(8) })!
  const burst = overLimit({ answered, over: [80, ...new Array<number>(9).fill(0)] })!
  const none = overLimit({ answered, over: new Array<number>(10).fill(0) })!
  expect([even.share, burst.share, none.share]).toEqual([0.008, 0.008, 0])
  expect(even.upper95).toBeCloseTo(0.008)
  expect(burst.upper95).toBeGreaterThan(0.015)
  expect(none.upper95).toBeCloseTo(0.0003, 4)
  expect(overLimit({ answered: new Array<number>(10).fill(0), over: new Array<number>(10).fill(0) })).toBeNull()
})
