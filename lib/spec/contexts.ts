import type { Node } from './ops.js'

/** The context lengths that a predictor takes; no bound is Infinity. Units: vectors. */
export interface Contexts {
  readonly shortest: number
  readonly longest: number
}

/** What an op asks of the length of a context, beside its children: `rows` is a table with one for every position. */
const own = ({ params: { rows, context } }: Node): Contexts =>
  context === undefined
    ? { shortest: 1, longest: (rows as number | undefined) ?? Infinity }
    : { shortest: context as number, longest: context as number }

/** The context lengths that a spec takes: learned tables of positions end somewhere. */
export const contextsOf = (node: Node): Contexts =>
  node.of.reduce<Contexts>((most, child) => {
    const { shortest, longest } = contextsOf(child)
    return { shortest: Math.max(most.shortest, shortest), longest: Math.min(most.longest, longest) }
  }, own(node))
