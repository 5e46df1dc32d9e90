import { longDoor } from '../control.js'
import type { Base } from '../data/base.js'
import { type Data, pathOf, someData } from '../data/given-data.js'
import { openBase } from '../data/open.js'
import { withFields, word } from '../door.js'
import { badOption, LvmError } from '../errors.js'
import { type Given, resolve } from '../options.js'
import { stage, tally } from '../stages.js'
import type { Bank } from './bank.js'
import { bankPushFields } from './bank-fields.js'
import { baseRows, rowsTogether } from './base-rows.js'
import { factsOf, requireSame, withBank } from './open-bank.js'

/** Options of `pushBank`: any field of `bankPushFields`. */
export interface PushBankOptions extends Given<typeof bankPushFields> {}

/** Result of `pushBank`. */
export interface PushedBank {
  readonly version: 1
  /** Address without a password. */
  readonly url: string
  readonly rows: number
  readonly dim: number
  /** Rows that this call has stored; the others were there. */
  readonly pushed: number
  /** Kind of the index; null without one. */
  readonly index: string | null
}

/** Number of rows that are stored already. Errors: BANK_MISMATCH for a table with gaps or rows that occur twice. */
async function storedRows(bank: Bank): Promise<number> {
  const { count, inOrder } = await bank.stored()
  if (inOrder) return count
  throw new LvmError('BANK_MISMATCH', `${bank.url}: expected rows 0 to ${count - 1} but some are missing or stored twice`, {
    hint: 'push to another table, with ?table=NAME, and remove this one',
  })
}

async function push(bank: Bank, base: Base, index: boolean): Promise<PushedBank> {
  const { rows, dim } = base
  const [own, stored] = [await factsOf(base), await bank.facts()]
  if (stored !== undefined) await requireSame(bank, stored, base)
  const result = { version: 1 as const, url: bank.url, rows, dim }
  if (stored?.finished) return { ...result, pushed: 0, index: await bank.index() }
  await bank.create(own)
  const from = await storedRows(bank)
  const texts = await base.texts()
  const step = rowsTogether(dim)
  await stage('push the rows', async () => {
    for (let at = from; at < rows; at += step) {
      tally(at, rows)
      await bank.add(await baseRows(base, texts, at, Math.min(step, rows - at)))
    }
    tally(rows, rows)
  })
  const now = await storedRows(bank)
  if (now !== rows) throw new LvmError('BANK_MISMATCH', `${bank.url}: expected ${rows} rows after the push but found ${now}`)
  await stage('index', () => bank.finish({ ...own, finished: true }, index))
  return { ...result, pushed: rows - from, index: await bank.index() }
}

const ARGS = { base: someData, url: word, options: withFields({}) }

/**
 * Stores all rows of a base in a database: number, article, position, text and vector of each.
 *
 * A push that was stopped goes on where it ended. A table that holds another base is refused.
 * Errors: those of openBase; PACKAGE_MISSING, BANK_CONNECTION, BANK_ACCESS, BANK_EXTENSION, BANK_MISMATCH; INTERRUPTED.
 */
export const pushBank = longDoor(
  'pushBank',
  ARGS,
  async (data: Data, url: string, options: PushBankOptions = {}): Promise<PushedBank> => {
    const { index, ...how } = resolve('pushBank', bankPushFields, options)
    return withBank('pushBank', url, async (bank) => {
      const base = await openBase(pathOf(data), how)
      try {
        if (base.kind === 'sequences')
          throw badOption('pushBank', 'base', 'rows of vectors, not sequences that are already windows,', base.path)
        return await push(bank, base, index)
      } finally {
        base.dispose()
      }
    })
  },
)
