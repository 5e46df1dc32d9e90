import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compare, documented } from './key-paths.js'
import { samples } from './samples.js'

const sections = documented(readFileSync(new URL('../../docs/formats.md', import.meta.url), 'utf8'))
const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-formats-'))
let found: Map<string, unknown[]>
beforeAll(async () => {
  found = await samples(folder)
}, 900_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('docs/formats.md', () => {
  it('docs/formats.md has one section for each file and event, and no others', () => {
    const shared = ['final_model.pt', '<base>.jsonl.gz'] // share the section of the file before
    const without = (names: Iterable<string>) => [...names].filter((name) => !shared.includes(name)).sort()
    expect(without(sections.keys())).toEqual(without(found.keys()))
  })
  it.each([...sections].filter(([name]) => name !== '<base>.jsonl.gz'))('docs/formats.md lists the keys of %s', (name, keys) => {
    const written = name.endsWith('_model.pt') ? ['best_model.pt', 'final_model.pt'] : [name]
    expect(
      compare(
        keys,
        written.flatMap((file) => found.get(file) ?? []),
      ),
    ).toEqual({ undocumented: [], unwritten: [] })
  })
})

describe('the comparison itself', () => {
  const both = (keys: string[], ...values: unknown[]) => compare(keys, values)
  it('the comparison of keys finds missing keys on both sides at any depth', () => {
    expect(both(['a', 'b[].c'], { a: 1, b: [{ c: 1, d: 2 }] })).toEqual({ undocumented: ['b[].d'], unwritten: [] })
    expect(both(['a', 'b.c', 'b.e'], { a: 1, b: { c: 1 } })).toEqual({ undocumented: [], unwritten: ['b.e'] })
    expect(both(['a'], { a: { b: 1 } })).toEqual({ undocumented: ['a.b'], unwritten: ['a'] })
  })
  it('the comparison of keys accepts null and empty lists where another sample has their contents', () => {
    expect(both(['a.b', 'c[].d', 'e[]'], { a: null, c: [], e: [] })).toEqual({ undocumented: [], unwritten: ['a.b', 'c[].d'] })
    expect(both(['a.b', 'c[].d'], { a: null, c: [] }, { a: { b: 1 }, c: [{ d: 1 }] })).toEqual({
      undocumented: [],
      unwritten: [],
    })
  })
  it('the comparison of keys accepts any key where the page has a wildcard', () => {
    expect(both(['a.*.b', 'c.**'], { a: { 'x.y': { b: 1 } }, c: [{ d: 1 }] })).toEqual({ undocumented: [], unwritten: [] })
    expect(both(['a.*'], { a: [1] })).toEqual({ undocumented: ['a[]'], unwritten: ['a.*'] })
  })
  it('the comparison of keys ignores tables whose first column is not «key»', () => {
    expect(
      documented('# `x`, `y`\n\n| key | t |\n| --- | --- |\n| `a`, `b` | |\n\n# z\n\n| file | t |\n| --- | --- |\n| `q` | |\n'),
    ).toEqual(
      new Map([
        ['x', ['a', 'b']],
        ['y', ['a', 'b']],
      ]),
    )
  })
})
