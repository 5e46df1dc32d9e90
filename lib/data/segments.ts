import { lengthOf, shortestOf, type Windows } from './windows.js'

/**
 * Moves the first rows of windows, so that those of an article begin together and a model reads each vector once for all its targets.
 *
 * A context longer than `most` vectors is cut: the windows from there on begin half of `most` before, so each keeps at least so many, and
 * no fewer than the shortest context.
 */
export function segments(windows: Windows, most: number): Windows {
  const { count, target } = windows
  const first = new Int32Array(count)
  const length = new Int32Array(count)
  const overlap = Math.max(shortestOf(windows), Math.floor(most / 2))
  let begin = 0
  for (let i = 0; i < count; i++) {
    const row = target[i]!
    const continues = i > 0 && target[i - 1] === row - 1
    if (!continues) begin = windows.first[i]!
    else if (row - begin > most) begin = row - Math.min(overlap, lengthOf(windows, i))
    first[i] = begin
    length[i] = row - begin
  }
  return { ...windows, context: length.reduce((longest, own) => Math.max(longest, own), 1), first, length }
}

/** Number of groups of windows that begin at one row, and the sum of their longest contexts. */
export function groupsOf({ first, ...windows }: Windows, ids: Int32Array): { groups: number; vectors: number } {
  const longest = new Map<number, number>()
  for (const id of ids) longest.set(first[id]!, Math.max(longest.get(first[id]!) ?? 0, lengthOf(windows, id)))
  return { groups: longest.size, vectors: [...longest.values()].reduce((sum, length) => sum + length, 0) }
}
