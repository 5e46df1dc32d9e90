import type { Pool } from 'pg'
import { type Bank, type BankFacts, type BankRows, rowsPerQuery } from './bank.js'
import type { BankAddress } from './bank-address.js'
import { asking, bankClient } from './bank-errors.js'
import { createTable, KEEP, makeIndex, requireExtension } from './postgres-table.js'
import { vectorsOf, vectorText } from './vector-text.js'

type Postgres = typeof import('pg')

/** Most dimensions that an index of pgvector takes. Source: pgvector, README, «HNSW». */
const INDEXED = 2000
/** Connections, and how long to wait for one. Units: ms */
const [CONNECTIONS, PATIENCE] = [4, 10_000]
/** The index is searched wherever there is one, also where the planner takes reading all rows for cheaper, and until enough rows pass a filter. */
const SETTINGS = ['enable_seqscan = off', 'enable_sort = off', 'hnsw.ef_search = 100', 'hnsw.iterative_scan = strict_order']
  .map((setting) => `SET ${setting}`)
  .join(';')

/** Reads and searches the rows of a table. */
const searching = (pool: Pool, url: string, table: string): Pick<Bank, 'rows' | 'nearest'> => ({
  rows: (at, count) =>
    asking(url, async () => {
      const { rows } = await pool.query(`SELECT * FROM "${table}" WHERE row >= $1 AND row < $2 ORDER BY row`, [at, at + count])
      const of = (key: string) => rows.map((row) => row[key])
      return {
        at,
        count: rows.length,
        vectors: vectorsOf(rows),
        articles: of('article'),
        positions: of('position'),
        texts: of('text'),
      }
    }),
  nearest: (queries, { count, k, without }) =>
    asking(url, async () => {
      const left = without.map(([begin, end]) => `NOT (row >= ${begin} AND row < ${end})`).join(' AND ') || 'true'
      const { rows } = await pool.query(
        `SELECT i::integer - 1 AS query, near.row FROM unnest($1::vector[]) WITH ORDINALITY AS queries(v, i) CROSS JOIN LATERAL (SELECT row FROM "${table}" WHERE ${left} ORDER BY vector <=> v LIMIT ${k}) AS near`,
        [Array.from({ length: count }, (_, i) => vectorText(queries, i, queries.length / count))],
      )
      return rowsPerQuery(
        count,
        rows.map(({ row }) => row as number),
        (at) => rows[at].query as number,
      )
    }),
})

/** Opens a bank in PostgreSQL with pgvector. Errors: PACKAGE_MISSING. */
export async function openPostgres({ place, table, shown: url }: BankAddress): Promise<Bank> {
  const pg = bankClient<Postgres>('pg', 'PostgreSQL')
  const pool = new pg.Pool({
    connectionString: place,
    max: CONNECTIONS,
    connectionTimeoutMillis: PATIENCE,
    keepAlive: true,
    verify: (client, done) => void client.query(SETTINGS).then(() => done(), done),
  })
  pool.on('error', () => {}).on('connect', (client) => void client.on('error', () => {})) // the query in progress rejects
  const ask = <T>(work: () => Promise<T>) => asking(url, work)
  const query = (text: string, values: unknown[] = []) => pool.query(text, values)
  const exists = async (name: string) => (await query('SELECT to_regclass($1) IS NOT NULL AS there', [name])).rows[0].there
  const indexOf = async () =>
    (await query('SELECT indexdef FROM pg_indexes WHERE tablename = $1 AND indexname = $2', [table, `${table}_vector`])).rows[0]
  return {
    url,
    facts: () =>
      ask(async () => {
        if (!(await exists('lvm_banks'))) return undefined
        return (await query('SELECT facts FROM lvm_banks WHERE name = $1', [table])).rows[0]?.facts as BankFacts | undefined
      }),
    create: (facts) =>
      ask(async () => {
        await requireExtension(pool, url)
        await createTable(pool, url, table, facts)
      }),
    stored: () =>
      ask(async () => {
        const { rows } = await query(`SELECT count(*)::integer AS count, coalesce(max(row), -1) AS last FROM "${table}"`)
        return { count: rows[0].count, inOrder: rows[0].last === rows[0].count - 1 }
      }),
    add: ({ at, count, vectors, articles, positions, texts }: BankRows) =>
      ask(async () => {
        const list = <T>(of: (i: number) => T) => Array.from({ length: count }, (_, i) => of(i))
        const dim = vectors.length / count
        await query(
          `INSERT INTO "${table}" SELECT a, b, c, d, e::vector FROM unnest($1::integer[], $2::text[], $3::integer[], $4::text[], $5::text[]) AS t(a, b, c, d, e) ON CONFLICT (row) DO NOTHING`,
          [list((i) => at + i), articles, positions, texts, list((i) => vectorText(vectors, i, dim))],
        )
      }),
    finish: (facts, index) =>
      ask(async () => {
        if (index && facts.dim <= INDEXED) await makeIndex(pool, table)
        await query(`ANALYZE "${table}"`)
        await query(KEEP, [table, JSON.stringify(facts)])
      }),
    index: () => ask(async () => ((await indexOf()) === undefined ? null : 'HNSW')),
    ...searching(pool, url, table),
    close: () => pool.end(),
  }
}
