import type { Pool, PoolClient } from 'pg'

/** Does work in a transaction of its own connection. */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let failed: Error | undefined
  try {
    await client.query('BEGIN')
    return await work(client)
  } catch (error) {
    failed = error as Error
    throw error
  } finally {
    if (failed === undefined) await client.query('COMMIT').finally(() => client.release())
    else client.release(failed) // closes the connection, which ends its transaction
  }
}
