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

/** Splits `layers.3` into its stem and its number. */
function numbered({ name }: Node): { stem: string; number: number } | undefined {
  const [, stem, number] = /^(.*?)(\d+)$/.exec(name ?? '') ?? []
  return number === undefined ? undefined : { stem: stem!, number: Number(number) }
}

/** Text that is equal for two layers that differ in their number alone; `first` is subtracted from a parameter that counts layers. */
function shape(node: Node, layer: number): string {
  const { name: _, ...rest } = node
  return JSON.stringify(rest, (key, value) => (key === 'layer' ? value - layer : value))
}

/** How many times the first `period` nodes stand one after the other, with consecutive numbers and otherwise equal. */
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

/** Lines of siblings, where layers that repeat stand once. */
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

/** A layer whose parameter `layer` says `2 … 22` where it stands for layers up to that number. */
const spread = ({ params, of, ...rest }: Node, more: number): Node => ({
  ...rest,
  params: typeof params.layer === 'number' ? { ...params, layer: `${params.layer} … ${params.layer + more}` } : params,
  of: of.map((child) => spread(child, more)),
})

/** Lines of a group of layers that stands several times; a group of one needs no line of its own. */
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

/** A spec as a tree with the parameter count of every node, one line each. */
export const printTree = (node: Node): string => aligned(allLines(node, ''))

/** The same tree, where layers that differ in their number alone stand once: `layers.0 … 16, 17 times`. */
export const printFolded = (node: Node): string => aligned(foldedLines(node, ''))
