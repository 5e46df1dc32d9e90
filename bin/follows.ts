import { rankPlace } from '../lib/ranks/rank-place.js'

/** Whether this process is a rank other than 0 of a launcher such as torchrun: rank 0 alone prints. */
export function follows(): boolean {
  try {
    return (rankPlace()?.rank ?? 0) > 0
  } catch {
    return false // the verb says what is wrong with the variables
  }
}
