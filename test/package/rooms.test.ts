import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'

/** Rooms of lib/ in order: a file imports from its own room or from an earlier one. */
const ROOMS = [
  'hints',
  'server-error-codes',
  'error-codes',
  'errors',
  'packages',
  'door',
  'stages',
  'control',
  'options',
  'show',
  'page',
  'files',
  'statistics',
  'libtorch',
  'trainer-options',
  'rankings',
  'handles',
  'tensor-calls',
  'ranks-addon',
  'addon',
  'native',
  'ranks',
  'torch',
  'sources',
  'spec',
  'architectures',
  'data',
  'checkpoint',
  'weights',
  'text',
  'baselines',
  'evaluate',
  'banks',
  'audit',
  'train',
  'study',
  'compress',
  'export',
  'sweep',
  'plan',
  'report',
  'experiment',
  'serve',
  'loadtest',
  'bundle',
  'models',
  'index',
]
const CEILING = 250
const LONGEST = 60
/** Imports and exports of values and of types, and dynamic imports. */
const IMPORTS = /(?:\bfrom|\bimport\() ?'(\.[^']+)\.js'/g

const filesOf = (folder: string, end: RegExp) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => end.test(file))
    .map((file) => join(folder, file))
const room = (path: string) => relative('lib', path).split(/[/.]/)[0]!
const files = filesOf('lib', /\.ts$/)
const importsOf = (path: string) =>
  Array.from(readFileSync(path, 'utf8').matchAll(IMPORTS), ([, target]) => `${join(dirname(path), target!)}.ts`)
const graph = new Map(files.map((file) => [file, importsOf(file)]))

/** Files that import each other, directly or through others. Source: Tarjan, «Depth-first search and linear graph algorithms» (1972) */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const [number, lowest, stack, found] = [new Map<string, number>(), new Map<string, number>(), [] as string[], [] as string[][]]
  const visit = (file: string) => {
    number.set(file, number.size)
    lowest.set(file, number.get(file)!)
    stack.push(file)
    for (const next of graph.get(file) ?? []) {
      if (!number.has(next)) visit(next)
      if (stack.includes(next)) lowest.set(file, Math.min(lowest.get(file)!, lowest.get(next)!))
    }
    if (lowest.get(file) !== number.get(file)) return
    const circle = stack.splice(stack.indexOf(file))
    if (circle.length > 1 || graph.get(file)?.includes(file)) found.push(circle)
  }
  for (const file of graph.keys()) if (!number.has(file)) visit(file)
  return found
}

function longFunctions(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true)
  const lineAt = (position: number) => source.getLineAndCharacterOfPosition(position).line + 1
  const found: string[] = []
  const visit = (node: ts.Node) => {
    const [first, last] = [lineAt(node.getStart()), lineAt(node.end)]
    if (ts.isFunctionLike(node) && last - first >= LONGEST) found.push(`${file}:${first}`)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

test('every file of lib/ is in a known room', () => {
  for (const file of files) expect(ROOMS, file).toContain(room(file))
})
test.each(files)('%s imports nothing from a later room, types included', (file) => {
  for (const target of graph.get(file)!)
    expect(ROOMS.indexOf(room(target)), `${file} imports ${target}`).toBeLessThanOrEqual(ROOMS.indexOf(room(file)))
})
test('no files of lib/ import each other in a circle, types included', () => {
  expect(circles(graph)).toEqual([])
  expect(circles(new Map(Object.entries({ a: ['b'], b: ['c'], c: ['b'], d: ['a'] })))).toEqual([['b', 'c']])
})
test('no two files of lib/ have the same name, except index.ts', () => {
  const names = files.map((file) => basename(file)).filter((name) => name !== 'index.ts')
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
})
test('lib/evaluate holds at most 20 files', () => {
  expect(files.filter((file) => dirname(file) === join('lib', 'evaluate')).length).toBeLessThanOrEqual(20)
})
test(`no source file that a person writes has more than ${CEILING} lines`, () => {
  const sources = ['lib', 'bin', 'native', 'test', 'bench', 'scripts', 'examples'].flatMap((folder) =>
    filesOf(folder, /\.(ts|mjs|cjs|cpp|h|py)$/),
  )
  const long = sources.filter((file) => {
    const text = readFileSync(file, 'utf8')
    return !text.startsWith('// Made by scripts/') && text.trimEnd().split('\n').length > CEILING
  })
  expect(long).toEqual([])
})
test(`no function of lib/, bin/ or scripts/ has more than ${LONGEST} lines, except those that lay out figures`, () => {
  const sources = [...files, ...filesOf('bin', /\.ts$/), ...filesOf('scripts', /\.mjs$/)].filter(
    (file) => !file.includes('figures'),
  )
  expect(sources.flatMap(longFunctions)).toEqual([])
})
test('only lib/native.ts loads the addon, and only bin/ prints or exits', () => {
  for (const file of files) {
    const source = readFileSync(file, 'utf8')
    if (file !== join('lib', 'native.ts')) expect(source, file).not.toMatch(/= loadLibtorch\(/)
    if (/-child\.ts$|trial\.ts$/.test(file)) continue // scripts that run in a process of their own
    expect(source.replace(/^ *\/\/.*$/gm, ''), file).not.toMatch(/console\.|process\.exit\(|process\.stdout/)
  }
})
