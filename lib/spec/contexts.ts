import type { Node } from './ops.js'

/** Range of context lengths that a model accepts; Infinity for no bound. Units: vectors. */
export interface Contexts {
  readonly shortest: number
  readonly longest: number
}

/** Range of one op without its children: a table of positions has `rows` entries; an op with `context` accepts only that length. */
const own = ({ params: { rows, context } }: Node): Contexts =>
  context === undefined
    ? { shortest: 1, longest: (rows as number | undefined) ?? Infinity }
    : { shortest: context as number, longest: context as number }

/** Range of context lengths that a spec accepts. */
export const contextsOf = (node: Node): Contexts =>
  node.of.reduce<Contexts>((most, child) => {
    const { shortest, longest } = contextsOf(child)
    return { shortest: Math.max(most.shortest, shortest), longest: Math.min(most.longest, longest) }
  }, own(node))
