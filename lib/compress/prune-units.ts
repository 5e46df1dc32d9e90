import { LvmError } from '../errors.js'
import type { Node } from '../spec/ops.js'

/** An axis of a tensor that indexes units; the axis holds `parts` consecutive blocks of all units. */
export interface Side {
  readonly tensor: string
  readonly axis: number
  readonly parts: number
}
/** Removable units of one layer, and the tensor axes from which they are cut. */
export interface UnitGroup {
  /** Name of the layer in the model. */
  readonly at: string
  readonly units: number
  readonly sides: readonly Side[]
}
export type UnitKind = 'heads' | 'neurons'

type Numbers = Readonly<Record<string, number>>
const numbers = (node: Node) => node.params as Numbers
const BETWEEN = new Set(['activation', 'dropout'])

/** A node with the full name of its parameters. */
interface Placed {
  readonly node: Node
  readonly name: string
}
const below = (name: string, node: Node) => [name, node.name].filter((part) => part !== undefined && part !== '').join('.')
const within = (owner: Placed, tensor: string) => (owner.name === '' ? tensor : `${owner.name}.${tensor}`)

/** Flattens nested chains into one list of nodes. */
function flattened({ node, name }: Placed): Placed[] {
  if (node.op !== 'chain') return [{ node, name }]
  return node.of.flatMap((child) => flattened({ node: child, name: below(name, child) }))
}
const children = ({ node, name }: Placed): Placed[] => node.of.map((child) => ({ node: child, name: below(name, child) }))

const outputs = (linear: Placed, parts = 1): Side[] => {
  const { transposed, bias } = linear.node.params
  return [
    { tensor: within(linear, 'weight'), axis: transposed === true ? 1 : 0, parts },
    ...(bias === true ? [{ tensor: within(linear, 'bias'), axis: 0, parts }] : []),
  ]
}
const inputs = (linear: Placed): Side => ({
  tensor: within(linear, 'weight'),
  axis: linear.node.params.transposed === true ? 0 : 1,
  parts: 1,
})

/** Returns the linear layers that produce neurons if only element-wise functions follow them; else undefined. */
function producers(placed: Placed): Placed[] | undefined {
  if (placed.node.op === 'linear') return [placed]
  if (placed.node.op !== 'product') return undefined
  const factors = children(placed).map((factor) => flattened(factor))
  const plain = factors.every(([first, ...rest]) => first?.node.op === 'linear' && rest.every(({ node }) => BETWEEN.has(node.op)))
  return plain ? factors.map(([first]) => first!) : undefined
}

/** Finds neurons between two linear layers. */
function neurons(line: readonly Placed[]): UnitGroup[] {
  return line.flatMap((first, i): UnitGroup[] => {
    if (first.node.op === 'channelMixing') {
      const sides = [
        { tensor: within(first, 'key.weight'), axis: 0, parts: 1 },
        { tensor: within(first, 'value.weight'), axis: 1, parts: 1 },
      ]
      return [{ at: first.name, units: numbers(first.node).hidden!, sides }]
    }
    const made = producers(first)
    if (made === undefined) return []
    let at = i + 1
    while (line[at] !== undefined && BETWEEN.has(line[at]!.node.op)) at++
    const last = line[at]
    const hasFunction = first.node.op === 'product' || line.slice(i + 1, at).some(({ node }) => node.op === 'activation')
    if (last?.node.op !== 'linear' || !hasFunction) return []
    return [{ at: last.name, units: numbers(last.node).in!, sides: [...made.flatMap((one) => outputs(one)), inputs(last)] }]
  })
}

const ATTENDS = new Set(['attend', 'favor', 'linformer'])

/** Finds attention heads. */
function heads(line: readonly Placed[]): UnitGroup[] {
  return line.flatMap((one, i): UnitGroup[] => {
    if (one.node.op === 'attention' || one.node.op === 'narrowAttention') {
      const sides = [
        { tensor: within(one, 'in_proj_weight'), axis: 0, parts: 3 },
        { tensor: within(one, 'in_proj_bias'), axis: 0, parts: 3 },
        { tensor: within(one, 'out_proj.weight'), axis: 1, parts: 1 },
      ]
      return [{ at: one.name, units: numbers(one.node).heads!, sides }]
    }
    const last = line[i + 1]
    if (!ATTENDS.has(one.node.op) || last?.node.op !== 'linear') return []
    const before = line.slice(0, i).reverse()
    const conv = before[0]?.node.op === 'conv' ? before[0] : undefined
    const from = conv === undefined ? before[0] : before[1]
    const sides =
      from?.node.op === 'concat'
        ? children(from).flatMap((linear) => outputs(linear))
        : from?.node.op === 'linear'
          ? outputs(from, 3)
          : []
    if (sides.length === 0) return []
    const taps = conv ? ['weight', 'bias'].map((name) => ({ tensor: within(conv, name), axis: 0, parts: 3 })) : []
    return [{ at: last.name, units: numbers(one.node).heads!, sides: [...sides, ...taps, inputs(last)] }]
  })
}

const find = { heads, neurons }

/** Ops whose children are applied in sequence. */
const SEQUENCES = new Set(['chain', 'residual', 'memory'])

function groups(placed: Placed, kind: UnitKind): UnitGroup[] {
  const line = SEQUENCES.has(placed.node.op) ? children(placed).flatMap((child) => flattened(child)) : []
  const parts = line.length > 0 ? line : children(placed)
  return [...find[kind](line), ...parts.flatMap((part) => groups(part, kind))]
}

/** Returns the attention heads or the feed-forward neurons of a model. Errors: BAD_OPTION when it has none. */
export function unitGroups(model: string, spec: Node, kind: UnitKind): UnitGroup[] {
  const found = groups({ node: spec.of[0]!, name: below('', spec.of[0]!) }, kind)
  if (found.length > 0) return found
  throw new LvmError(
    'BAD_OPTION',
    `prune: expected a model with ${kind === 'heads' ? 'attention heads' : 'feed-forward layers'} for "structured" but ${model} has none`,
    { hint: 'leave out --structured: single weights can be pruned in every model' },
  )
}

/** Returns the indices of the kept units along an axis. Shapes: kept units → indices of the axis. */
export const placesOf = (kept: readonly number[], units: number, { parts }: Side, length: number): number[] => {
  const each = length / (units * parts)
  return Array.from({ length: parts }, (_, part) =>
    kept.flatMap((unit) => Array.from({ length: each }, (_, i) => (part * units + unit) * each + i)),
  ).flat()
}
