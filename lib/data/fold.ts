import { badOption } from '../errors.js'

/** Part `index` of the `of` parts of the articles, counted from 1; every part is held out once. */
export interface Fold {
  readonly index: number
  readonly of: number
}

/** The text of a fold, as `--fold` takes it. */
export const foldText = ({ index, of }: Fold): string => `${index}/${of}`

/** Name of the run of a fold, and of one seed where there are several. */
export const foldRunName = (name: string, { index, of }: Fold, seed?: number): string =>
  `${name}-fold${index}of${of}${seed === undefined ? '' : `-seed${seed}`}`

/** Reads i/k. Errors: BAD_OPTION unless 1 ≤ i ≤ k and k ≥ 2. */
export function readFold(owner: string, text: string): Fold {
  const [index, of] = text.split('/').map(Number) as [number, number]
  if (of >= 2 && index >= 1 && index <= of) return { index, of }
  throw badOption(owner, 'fold', 'i/k with k from 2 on and i from 1 to k', text, 'use --fold 1/5, then 2/5, up to 5/5')
}

/** Cuts shuffled items into `of` parts of nearly equal size; returns part `index`, and the others from the next part on. */
export function cutFold(order: Int32Array, { index, of }: Fold): { held: Int32Array; others: Int32Array } {
  const edge = (part: number) => Math.floor((part * order.length) / of)
  const [from, to] = [edge(index - 1), edge(index)]
  return { held: order.slice(from, to), others: Int32Array.from([...order.subarray(to), ...order.subarray(0, from)]) }
}
