import { countParameters } from './count.js'
import type { Node } from './ops.js'

type Line = readonly [label: string, parameters: string]

const shown = (count: number) => count.toLocaleString('en-US')

function describe({ op, params }: Node): string {
  const options = Object.entries(params).filter(
    ([key, value]) =>
      !(key === 'init' && value === 'default') && !(key === 'gain' && value === 1) && !(key === 'transposed' && value === false),
  )
  return `${op}${options.length === 0 ? '' : `(${options.map(([key, value]) => `${key} ${value}`).join(', ')})`}`
}

const titled = (name: string | undefined, text: string) => (name === undefined ? text : `${name}: ${text}`)

const allLines = (node: Node, indent: string): Line[] => [
  [`${indent}${titled(node.name, describe(node))}`, shown(countParameters(node))],
  ...node.of.flatMap((child) => allLines(child, `${indent}  `)),
]

/** Splits a name such as `layers.3` into stem and number. */
function numbered({ name }: Node): { stem: string; number: number } | undefined {
  const [, stem, number] = /^(.*?)(\d+)$/.exec(name ?? '') ?? []
  return number === undefined ? undefined : { stem: stem!, number: Number(number) }
}

/** Text that is equal for two layers that differ only in their number; a parameter `layer` is taken relative to `layer`. */
function shape(node: Node, layer: number): string {
  const { name: _, ...rest } = node
  return JSON.stringify(rest, (key, value) => (key === 'layer' ? value - layer : value))
}

/** Counts how often the first `period` nodes repeat with consecutive numbers and otherwise equal. */
function repeats(nodes: readonly Node[], period: number): number {
  const first = numbered(nodes[0]!)
  if (first === undefined) return 1
  const same = (node: Node, at: number) => {
    const own = numbered(node)
    return (
      own?.stem === first.stem &&
      own.number === first.number + at &&
      shape(node, own.number) === shape(nodes[at % period]!, first.number + (at % period))
    )
  }
  const end = nodes.findIndex((node, at) => !same(node, at))
  return Math.max(1, Math.floor((end < 0 ? nodes.length : end) / period))
}

/** Lines of siblings, with repeated layers folded into one. */
function foldedSiblings(nodes: readonly Node[], indent: string): Line[] {
  if (nodes.length === 0) return []
  let [period, times] = [1, 1]
  for (let p = 1; 2 * p <= nodes.length; p++) {
    const n = repeats(nodes, p)
    if (n > 1 && n * p > times * period) [period, times] = [p, n]
  }
  const [group, rest] = [nodes.slice(0, period), nodes.slice(period * times)]
  return [...(times === 1 ? foldedLines(group[0]!, indent) : repeated(group, times, indent)), ...foldedSiblings(rest, indent)]
}

/** Replaces the parameter `layer` by a range such as `2 … 22`, for a layer that stands for several. */
const spread = ({ params, of, ...rest }: Node, more: number): Node => ({
  ...rest,
  params: typeof params.layer === 'number' ? { ...params, layer: `${params.layer} … ${params.layer + more}` } : params,
  of: of.map((child) => spread(child, more)),
})

/** Lines of a repeated group of layers; a group of one layer needs no extra line. */
function repeated(group: readonly Node[], times: number, indent: string): Line[] {
  const { stem, number } = numbered(group[0]!)!
  const more = group.length * times - 1
  const parameters = `${times} × ${shown(group.reduce((sum, node) => sum + countParameters(node), 0))}`
  const range = `${stem}${number} … ${number + more}, ${times} times`
  if (group.length > 1) return [[`${indent}${range} these ${group.length}:`, parameters], ...foldedSiblings(group, `${indent}  `)]
  const [[label], ...inside] = foldedLines({ ...spread(group[0]!, more), name: range }, indent) as [Line, ...Line[]]
  return [[label, parameters], ...inside]
}

const foldedLines = (node: Node, indent: string): Line[] => [
  [`${indent}${titled(node.name, describe(node))}`, shown(countParameters(node))],
  ...foldedSiblings(node.of, `${indent}  `),
]

function aligned(lines: readonly Line[]): string {
  const width = Math.max(...lines.map(([label, parameters]) => label.length + parameters.length)) + 2
  return lines.map(([label, parameters]) => label + parameters.padStart(width - label.length)).join('\n')
}

/** Prints a spec as a tree, one line per node with its parameter count. */
export const printTree = (node: Node): string => aligned(allLines(node, ''))

/** Prints a spec as a tree and folds layers that differ only in their number: `layers.0 … 16, 17 times`. */
export const printFolded = (node: Node): string => aligned(foldedLines(node, ''))
