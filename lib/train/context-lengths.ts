import { badOption } from '../errors.js'
import { contextsOf } from '../spec/contexts.js'
import type { Node } from '../spec/ops.js'
import type { TrainSettings } from './recipe.js'

/** Errors: BAD_OPTION for contexts of `least` vectors, shorter than the model reads. */
export function requireLengths(model: string, spec: Node, least: number): void {
  const { shortest } = contextsOf(spec)
  if (least >= shortest) return
  const fix = 'use --context, or --input memory, which needs no fixed length'
  throw badOption('train', 'minHistory', `at least ${shortest}, because ${model} reads exactly so many vectors,`, least, fix)
}

/** Vectors of the shortest and of the longest context that data can have; `most` is the longest one that it allows. */
export function contextLengths(
  { context, history, minHistory, split }: Pick<TrainSettings, 'context' | 'history' | 'minHistory' | 'split'>,
  { kind, most }: { readonly kind: 'base' | 'sequences'; readonly most: number },
): { least: number; longest: number } {
  if (history === undefined) return { least: context, longest: context }
  const longest = Math.min(history === 'article' ? Infinity : Number(history), split === 'windows' ? Infinity : most)
  return { least: kind === 'sequences' ? longest : Math.min(minHistory, longest), longest }
}
