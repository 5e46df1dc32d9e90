import { describe, expect, test } from 'vitest'
import { architectures, findArchitecture } from '../../lib/architectures/index.js'
import { chain, channelMixing, dropout, linear, type Node, named } from '../../lib/spec/ops.js'
import { printFolded, printTree } from '../../lib/spec/print.js'

const spec = (name: string, preset: 'target' | 'tiny', more = {}): Node => {
  const { presets, spec } = findArchitecture(name)
  return spec({ dim: 768, context: 5 }, { ...presets[preset], ...more }).node
}
const layer = (number: number, out = 4): Node => named(`layers.${number}`, chain(named('0', linear({ in: 4, out })), dropout(0)))
const numbers = (count: number) => Array.from({ length: count }, (_, at) => at)
/** Prints a folded chain with its indents, and one space between the columns. */
const folded = (...of: Node[]) =>
  printFolded(chain(...of))
    .split('\n')
    .map((line) => line.replace(/(?<=\S) +/g, ' '))

describe('printTree', () => {
  const tree = printTree(spec('transformer', 'target'))
  const rows = tree.split('\n')
  test('printTree prints a line of equal width per node, which ends with its count', () => {
    const nodes = (node: Node): number => 1 + node.of.reduce((sum, child) => sum + nodes(child), 0)
    expect(rows).toHaveLength(nodes(spec('transformer', 'target')))
    expect(new Set(rows.map((row) => row.length)).size).toBe(1)
    for (const row of rows) expect(row).toMatch(/^ *\S.*\S {2,}[\d,]+$/)
  })
  test('printTree shows names, sizes and nesting', () => {
    expect(rows[0]).toMatch(/^predictor\(dim 768, .*17,603,840$/)
    expect(rows.find((row) => row.includes('in_proj:'))).toMatch(/^ {4}in_proj: linear\(.*in 768, out 512.*393,728$/)
    expect(rows.find((row) => row.includes('layers.3:'))).toMatch(/^ {8}transformer_decoder\.layers\.3: chain +4,204,032$/)
    expect(rows.at(-1)).toMatch(/^ {2}head: linear\(.*393,984$/)
  })
  test('the printed tree of a spec omits parameters that have their default value', () => {
    expect(tree).not.toMatch(/init default|gain 1\b/)
    expect(printTree(spec('lstm', 'tiny', { residual: 'last' }))).toContain('init zeros')
  })
})

describe('printFolded', () => {
  test('printFolded prints equal layers once, with their number and the parameters of one', () => {
    expect(folded(...numbers(3).map((n) => layer(n)), dropout(0.5))).toEqual([
      'chain 60',
      '  layers.0 … 2, 3 times: chain 3 × 20',
      '    0: linear(bias true, in 4, out 4) 20',
      '    dropout(rate 0) 0',
      '  dropout(rate 0.5) 0',
    ])
  })
  test('printFolded prints a single layer as printTree does', () => {
    for (const node of [layer(0), spec('lstm', 'target'), spec('mlp', 'target')]) expect(printFolded(node)).toBe(printTree(node))
    expect(printFolded(chain(layer(0)))).toBe(printTree(chain(layer(0))))
  })
  test('printFolded does not fold layers with other sizes, other contents or gaps in their numbers', () => {
    for (const nodes of [
      [layer(0), layer(1, 5)],
      [layer(0), layer(2)],
      [layer(1), layer(0)],
      [layer(0), { ...layer(1), of: layer(1).of.slice(1) }],
      [layer(0), { ...layer(1), tied: true as const }],
      [layer(0), named('blocks.1', { ...layer(1), name: undefined } as unknown as Node)],
      [dropout(0), dropout(0)],
    ])
      expect(printFolded(chain(...nodes))).toBe(printTree(chain(...nodes)))
  })
  test('printFolded folds repeated groups of layers, and equal layers inside a group', () => {
    expect(folded(...numbers(7).map((n) => layer(n, n % 3 === 2 ? 8 : 4)))).toEqual([
      'chain 180',
      '  layers.0 … 5, 2 times these 3: 2 × 80',
      '    layers.0 … 1, 2 times: chain 2 × 20',
      '      0: linear(bias true, in 4, out 4) 20',
      '      dropout(rate 0) 0',
      '    layers.2: chain 40',
      '      0: linear(bias true, in 4, out 8) 40',
      '      dropout(rate 0) 0',
      '  layers.6: chain 20',
      '    0: linear(bias true, in 4, out 4) 20',
      '    dropout(rate 0) 0',
    ])
  })
  test('printFolded folds layers whose parameter `layer` grows with their number', () => {
    const mixing = (number: number, layer: number) =>
      named(`blocks.${number}`, channelMixing({ dim: 4, hidden: 8, layer, layers: 3 }))
    expect(folded(mixing(0, 1), mixing(1, 2), mixing(2, 3))).toEqual([
      'chain 264',
      '  blocks.0 … 2, 3 times: channelMixing(dim 4, hidden 8, layer 1 … 3, layers 3) 3 × 88',
    ])
    expect(folded(mixing(0, 1), mixing(1, 1))).toHaveLength(3)
  })
  test('printFolded prints every model in fewer than thirty lines', () => {
    for (const { name } of architectures) expect(printFolded(spec(name, 'target')).split('\n').length).toBeLessThan(30)
  })
})
