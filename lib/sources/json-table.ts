import { parseJson } from '../files/json.js'
import type { Limits } from '../files/limits.js'
import { lines } from '../files/lines.js'
import { damaged } from '../files/read-file.js'
import type { Column, Table, Values } from './table.js'

/** Rows that are read together. */
const TOGETHER = 512

/** Rows from which the columns are known. */
const LOOKED_AT = 64

const isNumbers = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && typeof value[0] === 'number'

/** Reads the objects of a file, each on a line of its own. Errors: DATA_FORMAT. */
async function* objects(path: string, limits: Limits): AsyncGenerator<Record<string, unknown>> {
  let number = 0
  for await (const { texts } of lines(path, limits)) {
    for (const line of texts) {
      number++
      if (line.trim() === '') continue
      let value: unknown
      try {
        value = parseJson(line, limits.jsonDepth)
      } catch (error) {
        throw damaged(path, `line ${number} is not JSON`, error)
      }
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw damaged(path, `line ${number} is not an object`)
      yield value as Record<string, unknown>
    }
  }
}

/** Opens a file with an object on every line, one of whose keys holds the vector. Errors: DATA_FORMAT. */
export async function jsonTable(path: string, limits: Limits): Promise<Table> {
  const found = new Map<string, Column>()
  let seen = 0
  for await (const row of objects(path, limits)) {
    for (const [name, value] of Object.entries(row))
      if (found.get(name)?.kind !== 'vectors') found.set(name, { name, kind: isNumbers(value) ? 'vectors' : 'value' })
    if (++seen === LOOKED_AT) break // a key may be missing in the first row
  }
  const columns = [...found.values()]
  async function* read(wanted: readonly string[]): AsyncGenerator<ReadonlyMap<string, Values>> {
    let held: Record<string, unknown>[] = []
    const taken = () => new Map(wanted.map((name) => [name, held.map((row) => row[name])] as const))
    for await (const row of objects(path, limits)) {
      held.push(row)
      if (held.length < TOGETHER) continue
      yield taken()
      held = []
    }
    if (held.length > 0) yield taken()
  }
  return { path, format: 'jsonl', columns, read }
}
