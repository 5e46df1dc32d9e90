import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bankError } from '../../lib/banks/bank-errors.js'
import { openBank } from '../../lib/banks/open-bank.js'
import type { LvmError } from '../../lib/errors.js'
import { bankInfo, pushBank } from '../../lib/index.js'
import { refused } from '../files/fixture.js'
import { vectorFile } from '../train/runs.js'
import { bankCases, entry, smallRun } from './cases.js'
import { type PostgresServer, startPostgres } from './postgres-server.js'

/** Everything that is tested with a real server. */
export function postgresCases(): void {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  }, 60_000)
  afterAll(() => server?.stop())
  const sql = async (text: string, database = 'postgres') => {
    const client = new pg.Client({ connectionString: server.url.replace(/postgres$/, database) })
    await client.connect()
    const { rows } = await client.query(text)
    await client.end()
    return rows
  }
  bankCases('PostgreSQL', (table) => `${server.url}?table=${table}`)
  it('a wrong password, a user without rights and a missing database have codes, and no message holds the password', async () => {
    const { data } = await smallRun()
    await sql("CREATE ROLE guest LOGIN PASSWORD 'right'")
    const [{ hba_file }] = await sql('SHOW hba_file')
    await sql(
      `COPY (SELECT 'host all guest 127.0.0.1/32 scram-sha-256' UNION ALL SELECT 'host all all 127.0.0.1/32 trust') TO '${hba_file}'`,
    )
    await sql('SELECT pg_reload_conf()')
    const address = (password: string) => `postgres://guest${password}@127.0.0.1:${server.port}/postgres?table=secret`
    for (const password of [':s3cret-word', '']) {
      const error = await pushBank(data, address(password)).catch((e: unknown) => e)
      expect((error as LvmError).code).toBe('BANK_ACCESS')
      expect(JSON.stringify([error, (error as LvmError).message, (error as LvmError).stack])).not.toContain('s3cret-word')
    }
    await refused('BANK_ACCESS', pushBank(data, address(':right')))
    await refused('BANK_MISSING', bankInfo(`${server.url.replace(/postgres$/, 'nowhere')}`))
  })
  it('a refused connection and one that ends in the middle have a code, and the push goes on', async () => {
    const { data } = await smallRun()
    expect(await refused('BANK_CONNECTION', pushBank(data, 'postgres://me:s3cret-word@127.0.0.1:1/x'))).not.toContain('s3cret')
    const long = await vectorFile('dropped', { articles: 25, length: 60, dim: 2048, noise: true })
    let ended = false
    const onProgress = ({ open }: { open: readonly { readonly done?: number }[] }) => {
      if (ended || !open.some(({ done }) => done !== undefined && done >= 512)) return
      ended = true
      void sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
      )
    }
    const url = `${server.url}?table=dropped`
    await refused('BANK_CONNECTION', pushBank(long, url, { index: false }, { onProgress }))
    expect(ended).toBe(true)
    await pushBank(long, url, { index: false })
    expect(await bankInfo(url)).toMatchObject({ stored: 1500, finished: true })
  })
  it('a table that no push has made is refused, and stays as it is', async () => {
    const { data } = await smallRun()
    await sql('CREATE TABLE theirs (id integer); INSERT INTO theirs VALUES (7)')
    await refused('BANK_MISMATCH', pushBank(data, `${server.url}?table=theirs`))
    await refused('BANK_MISSING', bankInfo(`${server.url}?table=theirs`))
    expect(await sql('SELECT * FROM theirs')).toEqual([{ id: 7 }])
  })
  it('the recall of an index stands beside the figures of a run and of each heuristic', async () => {
    const { data } = await smallRun()
    const url = `${server.url}?table=recalled`
    await pushBank(data, url)
    const { n, bank, baselines } = await entry({ bank: url }, 'recalled')
    expect(bank.search).toMatchObject({ method: 'index', index: 'HNSW', queries: Math.min(100, n) })
    for (const { recall20 } of [bank.search, baselines.copy_last, baselines.mean_vector]) {
      expect(recall20).toBeGreaterThan(0.9)
      expect(recall20).toBeLessThanOrEqual(1)
    }
  })
  it('a search uses the index also where reading all rows is cheaper', async () => {
    const { data } = await smallRun()
    const url = `${server.url}?table=small`
    await pushBank(data, url)
    const bank = await openBank('test', url)
    const { vectors } = await bank.rows(0, 1)
    const scans = async () => {
      await sql('SELECT pg_stat_force_next_flush()')
      return Number((await sql("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'small_vector'"))[0].idx_scan)
    }
    await bank.close()
    expect(await scans()).toBe(0)
    const other = await openBank('test', url)
    await other.nearest(vectors, { count: 1, k: 20, without: [] })
    await other.close() // a connection that ends reports its scans
    await expect.poll(scans).toBe(1)
  })
  it('a signal stops the making of an index in the server, and the push goes on', async () => {
    const many = await vectorFile('slow-index', { articles: 50, length: 120, dim: 256, noise: true })
    const url = `${server.url}?table=slow`
    const stop = new AbortController()
    const running = () => sql("SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'CREATE INDEX%slow%'")
    const pushed = refused('INTERRUPTED', pushBank(many, url, {}, { signal: stop.signal }))
    await expect.poll(running, { timeout: 15_000, interval: 20 }).toHaveLength(1)
    stop.abort()
    await pushed
    expect(await running()).toEqual([])
    expect(await bankInfo(url)).toMatchObject({ stored: 6000, finished: false, index: null })
  })
  it('a server without the extension, or with an old one, has a code', async () => {
    const { data } = await smallRun()
    await sql('CREATE DATABASE bare')
    await sql('CREATE EXTENSION vector', 'bare')
    await sql("UPDATE pg_extension SET extversion = '0.5.1' WHERE extname = 'vector'", 'bare')
    expect(await refused('BANK_EXTENSION', pushBank(data, server.url.replace(/postgres$/, 'bare')))).toContain('0.5.1')
    const missing = { code: '0A000', message: 'extension "vector" is not available' } // by a server without its files
    expect(bankError('postgres://here', missing).code).toBe('BANK_EXTENSION')
  })
}
