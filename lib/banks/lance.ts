import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Connection, Table } from '@lancedb/lancedb'
import { type Lock, lockRun } from '../files/lock.js'
import { type Arrow, arrowRows, bankRows, schemaOf } from './arrow-rows.js'
import { type Bank, type BankFacts, rowsPerQuery } from './bank.js'
import type { BankAddress } from './bank-address.js'
import { asking, bankClient, foreignTable } from './bank-errors.js'

type Lance = typeof import('@lancedb/lancedb')

/** Fewest rows for which an index is made: fewer are compared faster than looked up. */
const INDEXED = 5000

const between = (begin: number, end: number) => `(row >= ${begin} AND row < ${end})`

/** Reads and searches the rows of a table. */
const searching = (url: string, table: () => Promise<Table>): Pick<Bank, 'rows' | 'nearest'> => ({
  rows: (at, count) =>
    asking(url, async () => {
      const columns = ['row', 'article', 'position', 'text', 'vector']
      return bankRows(
        await (await table())
          .query()
          .where(between(at, at + count))
          .select(columns)
          .toArrow(),
        at,
      )
    }),
  nearest: (queries, { count, k, without }) =>
    asking(url, async () => {
      const dim = queries.length / count
      const query = (i: number) => queries.subarray(i * dim, (i + 1) * dim)
      let search = (await table()).query().nearestTo(query(0)).distanceType('cosine').limit(k)
      for (let i = 1; i < count; i++) search = search.addQueryVector(query(i))
      if (without.length > 0) search = search.where(without.map((range) => `NOT ${between(...range)}`).join(' AND '))
      const found = await search.select(['row', '_distance']).toArrow()
      const [rows, of] = ['row', 'query_index'].map((name) => found.getChild(name)?.toArray() as Int32Array | undefined)
      return rowsPerQuery(count, rows!, (at) => of?.[at] ?? 0) // one query has no number
    }),
})

/** Opens a bank in a folder of LanceDB. Errors: PACKAGE_MISSING. */
export async function openLance({ place, table: name, shown: url }: BankAddress): Promise<Bank> {
  process.env.LANCEDB_LOG ??= 'error' // otherwise it prints a warning for every new table
  const lance = bankClient<Lance>('@lancedb/lancedb', 'LanceDB')
  const arrow = bankClient<Arrow>('apache-arrow', 'LanceDB')
  const about = `${name}_facts`
  let [connection, opened, lock]: [Connection?, Table?, Lock?] = []
  const database = async () => {
    connection ??= await lance.connect(place)
    return connection
  }
  const has = async (table: string) =>
    existsSync(join(place, `${table}.lance`)) && (await (await database()).tableNames()).includes(table)
  const table = async () => {
    opened ??= await (await database()).openTable(name)
    return opened
  }
  const keep = async (facts: BankFacts) =>
    void (await (await database()).createTable(about, [{ facts: JSON.stringify(facts) }], { mode: 'overwrite' }))
  const ask = <T>(work: () => Promise<T>) => asking(url, work)
  return {
    url,
    facts: () =>
      ask(async () => {
        if (!(await has(about))) return undefined
        const [row] = await (await (await database()).openTable(about)).query().toArray()
        return JSON.parse(row.facts) as BankFacts
      }),
    create: (facts) =>
      ask(async () => {
        lock = await lockRun(place, `bank ${url}`)
        const there = await has(name)
        if (there && !(await has(about))) throw foreignTable(url)
        await keep(facts)
        if (!there) await (await database()).createEmptyTable(name, schemaOf(arrow, facts.dim))
      }),
    stored: () =>
      ask(async () => {
        const count = await (await table()).countRows()
        const [below, last] = [`row < ${count}`, `row = ${count - 1}`].map(async (where) => (await table()).countRows(where))
        return { count, inOrder: (await below) === count && (await last) === Math.min(1, count) }
      }),
    add: (rows) => ask(async () => void (await (await table()).add(arrowRows(arrow, rows)))),
    finish: (facts, index) =>
      ask(async () => {
        await (await table()).optimize({ cleanupOlderThan: new Date() }) // the parts that were pushed, now joined, and their versions
        const config = lance.Index.ivfFlat({ distanceType: 'cosine' })
        if (index && facts.rows >= INDEXED) await (await table()).createIndex('vector', { config })
        await keep(facts)
      }),
    index: () => ask(async () => (await (await table()).listIndices())[0]?.indexType ?? null),
    ...searching(url, table),
    close: async () => {
      opened?.close()
      connection?.close()
      await lock?.release()
    },
  }
}
