import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { OPS } from '../../lib/spec/ops.js'

/** Rooms of native/ in order: a file includes from its own room or from an earlier one; files in native/ itself come first. */
const ROOMS = ['.', 'data', 'graph', 'kernels', 'ops', 'model', 'text', 'evaluate', 'checkpoint', 'train', 'binding']
/** Opens libtorch before the addon is loaded, so it includes nothing from other rooms. */
const ALONE = 'loader'

/** Stand-ins for headers of Gloo, whose names Gloo chose. */
const STAND_INS = 'train/gloo/'

const files = readdirSync('native', { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => /\.(cpp|h)$/.test(file) && !file.startsWith(STAND_INS))
const source = (file: string) => readFileSync(join('native', file), 'utf8')
const room = (file: string) => dirname(file)
const included = (file: string) =>
  [...source(file).matchAll(/^#include "([^"]+)"/gm)].map(([, target]) => join(dirname(file), target!).replaceAll('\\', '/'))
const kebab = (op: string) => op.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

test('native/ops holds one file per op, with the name of the op, and the table', () => {
  const found = files.filter((file) => room(file) === 'ops' && file.endsWith('.cpp')).map((file) => basename(file, '.cpp'))
  expect(found.sort()).toEqual([...Object.keys(OPS).map(kebab), 'op-table'].sort())
})

test('every op is built in its own file', () => {
  for (const op of Object.keys(OPS)) {
    const maker = `Made make_${kebab(op).replaceAll('-', '_')}(`
    expect(source(`ops/${kebab(op)}.cpp`), op).toContain(maker)
  }
})

test('every native file is in a known room', () => {
  for (const file of files) expect([...ROOMS, ALONE], file).toContain(room(file))
})

test.each(files)('native/%s includes nothing from a later room', (file) => {
  for (const target of included(file)) {
    expect(files, `${file} includes ${target}`).toContain(target)
    if (room(file) === ALONE) expect(room(target)).toBe(ALONE)
    else expect(ROOMS.indexOf(room(target)), `${file} includes ${target}`).toBeLessThanOrEqual(ROOMS.indexOf(room(file)))
  }
})

test('no native header includes itself through others', () => {
  const done = new Set<string>()
  const follow = (file: string, path: string[]) => {
    expect(path, `a circle: ${[...path, file].join(' → ')}`).not.toContain(file)
    if (done.has(file)) return
    for (const target of included(file)) follow(target, [...path, file])
    done.add(file)
  }
  for (const file of files) follow(file, [])
})

test('only native/binding and the loader include the N-API', () => {
  const users = files.filter((file) => /#include <(napi|node_api|js_native_api)\.h>/.test(source(file)))
  expect(new Set(users.map(room))).toEqual(new Set(['binding', ALONE]))
})

test('no two native files in different rooms have the same name', () => {
  const rooms = new Map<string, Set<string>>()
  for (const file of files) {
    const name = basename(file).replace(/\.\w+$/, '')
    rooms.set(name, (rooms.get(name) ?? new Set()).add(room(file)))
  }
  for (const [name, where] of rooms) expect([...where], name).toHaveLength(1)
})

test('no native file has more than 250 lines', () => {
  for (const file of files) expect(source(file).split('\n').length - 1, file).toBeLessThanOrEqual(250)
})

/** First line and length of each function; a body ends at the first brace with the indentation of its first line. */
function functions(lines: string[]): { line: number; length: number }[] {
  return lines.flatMap((line, last) => {
    let first = last
    while (first > 0 && !/[;{}:>]$|^\s*\/\/|^$/.test(lines[first - 1]!)) first -= 1
    const indent = /^( {0,2})(?!namespace|struct|class|enum|union|extern|for|if|while|return)\w/.exec(lines[first]!)?.[1]
    if (indent === undefined || !line.endsWith('{')) return []
    return [{ line: first + 1, length: lines.findIndex((other, at) => at > last && other.startsWith(`${indent}}`)) - first + 1 }]
  })
}

test('no native function has more than 60 lines', () => {
  const all = files.flatMap((file) => functions(source(file).split('\n')).map((found) => ({ file, ...found })))
  expect(all.length).toBeGreaterThan(400)
  expect(all.filter(({ length }) => length > 60)).toEqual([])
})

test('no native message names a command-line flag', () => {
  for (const file of files) expect(source(file).match(/"(?:[^"\\\n]|\\.)*(?<=[ "])--[a-z](?:[^"\\\n]|\\.)*"/g), file).toBeNull()
})
