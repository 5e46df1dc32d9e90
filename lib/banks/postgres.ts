import type { Pool } from 'pg'
import { LvmError } from '../errors.js'
import type { Bank, BankFacts, BankRows } from './bank.js'
import type { BankAddress } from './bank-address.js'
import { asking, bankClient } from './bank-errors.js'
import { inTransaction } from './transaction.js'
import { vectorsOf, vectorText } from './vector-text.js'

type Postgres = { readonly default: typeof import('pg') }

/** Most dimensions that an index of pgvector takes. Source: pgvector, README, «HNSW». */
const INDEXED = 2000
/** First version whose index goes on searching until enough rows pass a filter. */
const LEAST = [0, 8] as const
/** Connections, and how long to wait for one. Units: ms */
const [CONNECTIONS, PATIENCE] = [4, 10_000]

/** Makes the extension usable. Errors: BANK_EXTENSION when the server lacks it or has an old version. */
async function requireExtension(pool: Pool, url: string): Promise<void> {
  const version = async () =>
    (await pool.query("SELECT extversion FROM pg_extension WHERE extname = 'vector'")).rows[0]?.extversion as string | undefined
  if ((await version()) === undefined) await pool.query('CREATE EXTENSION IF NOT EXISTS vector')
  const found = (await version()) ?? '0'
  const [major = 0, minor = 0] = found.split('.').map(Number)
  if (major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1]))
    throw new LvmError('BANK_EXTENSION', `${url}: expected pgvector ${LEAST.join('.')} or later but the server has ${found}`)
}

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
  nearest: (vector, { k, without, exact }) =>
    asking(url, () =>
      inTransaction(pool, async (client) => {
        const settings = exact ? ['enable_indexscan = off'] : ['hnsw.ef_search = 100', 'hnsw.iterative_scan = strict_order']
        for (const setting of settings) await client.query(`SET LOCAL ${setting}`)
        const left = without.map(([begin, end]) => `NOT (row >= ${begin} AND row < ${end})`).join(' AND ') || 'true'
        const { rows } = await client.query(
          `SELECT row, vector FROM "${table}" WHERE ${left} ORDER BY vector <=> $1::vector LIMIT ${k}`,
          [vectorText(vector, 0, vector.length)],
        )
        return { rows: Int32Array.from(rows, ({ row }) => row as number), vectors: vectorsOf(rows) }
      }),
    ),
})

/** Opens a bank in PostgreSQL with pgvector. Errors: PACKAGE_MISSING. */
export async function openPostgres({ place, table, shown: url }: BankAddress): Promise<Bank> {
  const { default: pg } = await bankClient<Postgres>('pg', 'PostgreSQL')
  const pool = new pg.Pool({ connectionString: place, max: CONNECTIONS, connectionTimeoutMillis: PATIENCE, keepAlive: true })
  pool.on('error', () => {}).on('connect', (client) => void client.on('error', () => {})) // the query in progress rejects
  const ask = <T>(work: () => Promise<T>) => asking(url, work)
  const query = (text: string, values: unknown[] = []) => pool.query(text, values)
  const exists = async (name: string) => (await query('SELECT to_regclass($1) IS NOT NULL AS there', [name])).rows[0].there
  const keep = (facts: BankFacts) =>
    query('INSERT INTO lvm_banks VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET facts = $2', [table, JSON.stringify(facts)])
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
        await query('CREATE TABLE IF NOT EXISTS lvm_banks (name text PRIMARY KEY, facts jsonb NOT NULL)')
        await query(
          `CREATE TABLE IF NOT EXISTS "${table}" (row integer PRIMARY KEY, article text, position integer, text text, vector vector(${facts.dim}) NOT NULL)`,
        )
        await keep(facts)
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
        if (index && facts.dim <= INDEXED)
          await query(`CREATE INDEX IF NOT EXISTS "${table}_vector" ON "${table}" USING hnsw (vector vector_cosine_ops)`)
        await query(`ANALYZE "${table}"`)
        await keep(facts)
      }),
    index: () => ask(async () => ((await indexOf()) === undefined ? null : 'HNSW')),
    ...searching(pool, url, table),
    close: () => pool.end(),
  }
}
