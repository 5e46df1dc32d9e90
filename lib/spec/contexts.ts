import type { Node } from './ops.js'

/** The context lengths that a predictor takes; no bound is Infinity. Units: vectors. */
export interface Contexts {
  readonly shortest: number
  readonly longest: number
}

/** What an op asks of the length of a context, beside its children: `rows` is a table with one for every position. */
const own = ({ params }: Node): Contexts => ({ shortest: 1, longest: (params.rows as number | undefined) ?? Infinity })

/** The context lengths that a spec takes: learned tables of positions end somewhere. */
export const contextsOf = (node: Node): Contexts =>
  node.of.reduce<Contexts>((most, child) => {
    const { shortest, longest } = contextsOf(child)
    return { shortest: Math.max(most.shortest, shortest), longest: Math.min(most.longest, longest) }
  }, own(node))
