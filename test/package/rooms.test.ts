import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'

/** Data flows down: a file of lib/ imports from its own room or from one before it. */
const ROOMS = [
  'extremes',
  'shown-text',
  'hints',
  'errors',
  'door',
  'options',
  'files',
  'libtorch',
  'addon',
  'native',
  'torch',
  'spec',
  'architectures',
  'data',
  'checkpoint',
  'evaluate',
  'train',
  'report',
  'export',
  'serve',
  'models',
  'index',
]
/** What an import of types needs is no dependency: the addon's interface names the node that specs are made of. */
const imports = /^import (?!type )[^'"]*['"](\.[^'"]+)\.js['"]/gm

const room = (path: string) => relative('lib', path).split(/[/.]/)[0]!
const files = readdirSync('lib', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))

test('every file is in a room that is in the order', () => {
  for (const file of files) expect(ROOMS, file).toContain(room(join('lib', file)))
})
test.each(files)('lib/%s imports nothing from a later room', (file) => {
  const path = join('lib', file)
  for (const [, target] of readFileSync(path, 'utf8').matchAll(imports)) {
    const from = join(dirname(path), target!)
    expect(ROOMS.indexOf(room(from)), `${path} imports ${from}`).toBeLessThanOrEqual(ROOMS.indexOf(room(path)))
  }
})
test('only lib/native.ts loads the addon, and only bin/ prints or exits', () => {
  for (const file of files) {
    const source = readFileSync(join('lib', file), 'utf8')
    if (file !== 'native.ts') expect(source, file).not.toMatch(/= loadLibtorch\(/)
    if (/-child\.ts$|trial\.ts$/.test(file)) continue // scripts that run in a process of their own
    expect(source.replace(/^ *\/\/.*$/gm, ''), file).not.toMatch(/console\.|process\.exit\(|process\.stdout/)
  }
})
