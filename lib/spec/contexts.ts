import type { Node } from './ops.js'

/** The context lengths that a predictor takes; no bound is Infinity. Units: vectors. */
export interface Contexts {
  readonly shortest: number
  readonly longest: number
}

/** What an op asks of the length of a context, beside its children. */
function own({ op, params }: Node): Contexts {
  const rows = params.rows as number | undefined // a table with a row for every position
  return op === 'positions' && rows !== undefined ? { shortest: 1, longest: rows } : { shortest: 1, longest: Infinity }
}

/** The context lengths that a spec takes: learned tables of positions end somewhere. */
export const contextsOf = (node: Node): Contexts =>
  node.of.reduce<Contexts>((most, child) => {
    const { shortest, longest } = contextsOf(child)
    return { shortest: Math.max(most.shortest, shortest), longest: Math.min(most.longest, longest) }
  }, own(node))
