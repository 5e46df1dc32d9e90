import { expect, test } from 'vitest'
import { postgresCases } from '../banks/postgres-cases.js'
import { lacking } from '../banks/postgres-server.js'

test('PostgreSQL and pgvector are installed', () => {
  expect(lacking).toBeUndefined()
})
postgresCases()
