import type { Pool } from 'pg'
import { LvmError } from '../errors.js'
import { requireGoing, stopSignal } from '../stages.js'
import type { BankFacts } from './bank.js'
import { foreignTable } from './bank-errors.js'
import { inTransaction } from './transaction.js'

/** First version whose index goes on searching until enough rows pass a filter. */
const LEAST = [0, 8] as const
/** Key of the lock under which tables are made: «lvm» in ASCII. */
const LOCK = 0x6c766d
/** Stores the facts of a table. */
export const KEEP = 'INSERT INTO lvm_banks VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET facts = $2'

/** Makes the extension usable. Errors: BANK_EXTENSION when the server lacks it or has an old version. */
export async function requireExtension(pool: Pool, url: string): Promise<void> {
  const version = async () =>
    (await pool.query("SELECT extversion FROM pg_extension WHERE extname = 'vector'")).rows[0]?.extversion as string | undefined
  if ((await version()) === undefined) await pool.query('CREATE EXTENSION IF NOT EXISTS vector')
  const found = (await version()) ?? '0'
  const [major = 0, minor = 0] = found.split('.').map(Number)
  if (major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1]))
    throw new LvmError('BANK_EXTENSION', `${url}: expected pgvector ${LEAST.join('.')} or later but the server has ${found}`)
}

/** Makes the table and stores the facts, both or neither. Errors: BANK_MISMATCH for a table that no push has made. */
export const createTable = (pool: Pool, url: string, table: string, facts: BankFacts): Promise<void> =>
  inTransaction(pool, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]) // two pushes make tables in turn
    await client.query('CREATE TABLE IF NOT EXISTS lvm_banks (name text PRIMARY KEY, facts jsonb NOT NULL)')
    const { rows } = await client.query(
      'SELECT to_regclass($1) IS NOT NULL AS there, EXISTS (SELECT FROM lvm_banks WHERE name = $1) AS known',
      [table],
    )
    if (rows[0].there && !rows[0].known) throw foreignTable(url)
    await client.query(
      `CREATE TABLE IF NOT EXISTS "${table}" (row integer PRIMARY KEY, article text, position integer, text text, vector vector(${facts.dim}) NOT NULL)`,
    )
    await client.query(KEEP, [table, JSON.stringify(facts)])
  })

/** Makes the index of a table; a signal cancels it in the server. Errors: INTERRUPTED. */
export async function makeIndex(pool: Pool, table: string): Promise<void> {
  const signal = stopSignal()
  const client = await pool.connect()
  const { rows } = await client.query('SELECT pg_backend_pid() AS process')
  const cancel = () => void pool.query('SELECT pg_cancel_backend($1)', [rows[0].process]).catch(() => {})
  signal?.addEventListener('abort', cancel)
  try {
    await client.query(`CREATE INDEX IF NOT EXISTS "${table}_vector" ON "${table}" USING hnsw (vector vector_cosine_ops)`)
  } catch (error) {
    requireGoing(signal)
    throw error
  } finally {
    signal?.removeEventListener('abort', cancel)
    client.release()
  }
}
