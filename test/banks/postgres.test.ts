import { describe } from 'vitest'
import { postgresCases } from './postgres-cases.js'
import { lacking } from './postgres-server.js'

describe.skipIf(lacking !== undefined)(`PostgreSQL${lacking === undefined ? '' : ` (skipped: ${lacking})`}`, postgresCases)
