import { random } from '../statistics/random.js'

/** Monotonic time, the same in all threads. Units: ms */
export function now(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}

/** Arrival times of a Poisson process, from 0 to `until`. Units: requests per second, ms. Source: exponential gaps by inversion. */
export function* arrivals(rate: number, seed: number, until: number): Generator<number, void, void> {
  let at = 0
  for (let i = 0; ; i++) {
    at -= (Math.log(1 - random(seed, i)) * 1000) / rate
    if (at >= until) return
    yield at
  }
}
