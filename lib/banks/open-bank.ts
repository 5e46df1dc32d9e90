import type { Base } from '../data/base.js'
import { LvmError } from '../errors.js'
import type { Bank, BankFacts } from './bank.js'
import { bankAddress } from './bank-address.js'
import { openLance } from './lance.js'
import { openPostgres } from './postgres.js'

/** Opens a bank without reading from it. Errors: BAD_OPTION, PACKAGE_MISSING. */
export async function openBank(owner: string, url: string): Promise<Bank> {
  const address = bankAddress(owner, url)
  return address.database === 'lance' ? openLance(address) : openPostgres(address)
}

/** Does work with a bank and closes it. */
export async function withBank<T>(owner: string, url: string, work: (bank: Bank) => Promise<T>): Promise<T> {
  const bank = await openBank(owner, url)
  try {
    return await work(bank)
  } finally {
    await bank.close()
  }
}

/** The facts of a bank. Errors: BANK_MISSING. */
export async function requireFacts(bank: Bank): Promise<BankFacts> {
  const facts = await bank.facts()
  if (facts === undefined) throw new LvmError('BANK_MISSING', `${bank.url}: expected a bank but nothing has been pushed there`)
  return facts
}

/** The facts of a bank that can be searched. Errors: BANK_MISSING, BANK_UNFINISHED. */
export async function requireFinished(bank: Bank): Promise<BankFacts> {
  const facts = await requireFacts(bank)
  if (facts.finished) return facts
  const { count } = await bank.stored()
  throw new LvmError('BANK_UNFINISHED', `${bank.url}: expected a finished push but ${count} of ${facts.rows} rows are stored`)
}

const SAME = ['base_hash', 'content_hash'] as const
/** Requires that a bank holds the rows of a base. Errors: BANK_MISMATCH for another dimension, space, number of rows or content. */
export async function requireSame(bank: Bank, facts: BankFacts, base: Base): Promise<void> {
  const own = await factsOf(base)
  const differs = (what: string, stored: unknown, given: unknown) =>
    new LvmError(
      'BANK_MISMATCH',
      `${bank.url}: expected the rows of ${base.path} but ${what} is ${stored} there and ${given} in the base`,
    )
  if (facts.dim !== own.dim) throw differs('the dimension', facts.dim, own.dim)
  if (facts.space !== own.space) throw differs('the space', facts.space ?? 'unknown', own.space ?? 'unknown')
  if (facts.rows !== own.rows) throw differs('the number of rows', facts.rows, own.rows)
  for (const key of SAME)
    if (facts[key] !== own[key])
      throw differs(
        key === 'base_hash' ? 'the hash of the file' : 'the hash of the vectors',
        facts[key].slice(0, 12),
        own[key].slice(0, 12),
      )
}

/** What a bank of a base says of itself before any row is stored. */
export const factsOf = async (base: Base): Promise<BankFacts> => ({
  version: 1,
  base_hash: base.hash,
  content_hash: await base.contentHash(),
  dim: base.dim,
  space: base.space ?? null,
  rows: base.rows,
  finished: false,
})
