import { longDoor } from '../control.js'
import { type Data, pathOf, someData } from '../data/given-data.js'
import { openBase } from '../data/open.js'
import { withFields, word } from '../door.js'
import { LvmError } from '../errors.js'
import { type Given, resolve } from '../options.js'
import { stage, tally } from '../stages.js'
import type { BankFacts, BankRows } from './bank.js'
import { bankVerifyFields } from './bank-fields.js'
import { baseRows, rowsTogether } from './base-rows.js'
import { requireFacts, requireFinished, requireSame, withBank } from './open-bank.js'

/** What a bank says of itself, with what is stored. */
export interface BankInfo extends BankFacts {
  /** Address without a password. */
  readonly url: string
  /** Rows that are stored. */
  readonly stored: number
  /** Kind of the index; null without one. */
  readonly index: string | null
}

/** Reads what a bank says of itself. Errors: BANK_MISSING and those of the connection. */
export const bankInfo = longDoor(
  'bankInfo',
  { url: word },
  (url: string): Promise<BankInfo> =>
    withBank('bankInfo', url, async (bank) => {
      const facts = await stage('read the facts', () => requireFacts(bank))
      const { count } = await stage('count the rows', () => bank.stored())
      return { ...facts, url: bank.url, stored: count, index: await bank.index() }
    }),
)

/** Options of `verifyBank`: any field of `bankVerifyFields`. */
export interface VerifyBankOptions extends Given<typeof bankVerifyFields> {}

/** Result of `verifyBank`. */
export interface VerifiedBank {
  readonly version: 1
  readonly url: string
  readonly rows: number
  /** Rows of the bank that differ from the base: number, and the first of them. */
  readonly different: number
  readonly first: readonly number[]
}

const SHOWN = 10

/** Rows that differ in vector, article, position or text, or are missing. */
function differing(a: BankRows, b: BankRows): number[] {
  const dim = a.vectors.length / a.count
  const bits = ({ vectors }: BankRows) => new Int32Array(vectors.buffer, vectors.byteOffset, vectors.length)
  const [one, other] = [bits(a), bits(b)]
  const found: number[] = []
  for (let i = 0; i < a.count; i++) {
    let same = i < b.count && a.articles[i] === b.articles[i] && a.positions[i] === b.positions[i] && a.texts[i] === b.texts[i]
    for (let d = i * dim; same && d < (i + 1) * dim; d++) same = one[d] === other[d]
    if (!same) found.push(a.at + i)
  }
  return found
}

const ARGS = { url: word, base: someData, options: withFields({}) }

/**
 * Compares every row of a bank with the base that was pushed, bit by bit.
 *
 * Errors: those of openBase; BANK_MISSING, BANK_UNFINISHED, BANK_MISMATCH for another base, and those of the connection; INTERRUPTED.
 */
export const verifyBank = longDoor(
  'verifyBank',
  ARGS,
  async (url: string, data: Data, options: VerifyBankOptions = {}): Promise<VerifiedBank> =>
    withBank('verifyBank', url, async (bank) => {
      const facts = await requireFinished(bank)
      const base = await openBase(pathOf(data), resolve('verifyBank', bankVerifyFields, options))
      try {
        await requireSame(bank, facts, base)
        const [texts, step] = [await base.texts(), rowsTogether(base.dim)]
        const first: number[] = []
        let different = 0
        await stage('compare the rows', async () => {
          for (let at = 0; at < base.rows; at += step) {
            tally(at, base.rows)
            const count = Math.min(step, base.rows - at)
            const found = differing(await baseRows(base, texts, at, count), await bank.rows(at, count))
            different += found.length
            first.push(...found.slice(0, SHOWN - first.length))
          }
        })
        const { count } = await bank.stored()
        if (count !== base.rows)
          throw new LvmError('BANK_MISMATCH', `${bank.url}: expected ${base.rows} rows but ${count} are stored`)
        return { version: 1, url: bank.url, rows: base.rows, different, first }
      } finally {
        base.dispose()
      }
    }),
)
