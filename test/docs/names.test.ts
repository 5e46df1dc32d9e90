import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Layout, layoutOf } from '../../lib/data/keys.js'
import type { ArrayFile, StoredArray } from '../../lib/files/arrays.js'

const page = readFileSync(new URL('../../docs/formats.md', import.meta.url), 'utf8')
const source = readFileSync(new URL('../../lib/data/keys.ts', import.meta.url), 'utf8')
/** Names in a column of the table under «Names of arrays», with the first column as their role. */
const column = (index: number): [string, string][] => {
  const rows = page.split('## Names of arrays')[1]!.split('\n## ')[0]!.split('\n')
  const names = (row: string) => [...(row.split('|')[index] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1]!)
  return rows.flatMap((row) => names(row).map((name): [string, string] => [row.split('|')[1]!.trim(), name]))
}
const ROLES: Record<string, keyof Layout> = {
  vectors: 'vectors',
  targets: 'targets',
  'article of each': 'articles',
  'position of each': 'positions',
  'article and position': 'truth',
  'objects with the same': 'metadata',
  texts: 'texts',
}

function layout(shapes: Readonly<Record<string, readonly number[]>>): Layout {
  const stored = ([name, shape]: [string, readonly number[]]) =>
    [name, { name, shape, type: { kind: 'float', size: 4 } }] as const
  return layoutOf({ path: 'x', arrays: new Map(Object.entries(shapes).map(stored)) } as unknown as ArrayFile)
}
const found = (role: string, layout: Layout) => (layout[ROLES[role]!] as StoredArray).name

describe('the names of arrays in docs/formats.md', () => {
  it.each(column(2))('a base may name its %s «%s», as docs/formats.md lists', (role, name) => {
    const shape = { vectors: [9, 4], 'article and position': [9, 2] }[role] ?? [9]
    const others: Record<string, readonly number[]> = role === 'vectors' ? {} : { vectors: [9, 4] }
    expect(found(role, layout({ ...others, [name]: shape }))).toBe(name)
  })
  it.each(column(3))('sequences may name their %s «%s», as docs/formats.md lists', (role, name) => {
    const shape = { vectors: [9, 5, 4], targets: [9, 4], 'article and position': [9, 2] }[role] ?? [9]
    const contexts: Record<string, readonly number[]> = role === 'vectors' ? {} : { contexts: [9, 5, 4] }
    const targets: Record<string, readonly number[]> = role === 'targets' ? {} : { targets: [9, 4] }
    expect(found(role, layout({ ...contexts, ...targets, [name]: shape }))).toBe(name)
  })
  it('docs/formats.md lists every accepted name of an array', () => {
    const known = source.split('const KEYS = {')[1]!.split('} as const')[0]!
    const names = new Set([...known.matchAll(/'([^']+)'/g)].map((match) => match[1]!))
    const listed = new Set([...column(2), ...column(3)].map(([, name]) => name))
    expect([...listed].sort()).toEqual([...names].sort())
  })
})
