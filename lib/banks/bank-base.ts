import type { Base } from '../data/base.js'
import { contentHash } from '../data/content-hash.js'
import { requireSameSpace } from '../data/space.js'
import { LvmError } from '../errors.js'
import { stage, tally } from '../stages.js'
import { Tensor } from '../torch/tensor.js'
import type { Bank, BankFacts } from './bank.js'
import { rowsTogether } from './base-rows.js'
import { requireFinished } from './open-bank.js'

/** The facts of a bank whose vectors fit those of a base. Errors: BANK_MISMATCH for another dimension; SPACE_MISMATCH; BANK_UNFINISHED. */
export async function requireFitting(bank: Bank, base: Base): Promise<BankFacts> {
  const facts = await requireFinished(bank)
  if (facts.dim !== base.dim)
    throw new LvmError(
      'BANK_MISMATCH',
      `${bank.url}: expected vectors of dimension ${base.dim}, as ${base.path} has, but it holds ${facts.dim}`,
    )
  requireSameSpace(base, { path: bank.url, space: facts.space ?? undefined, encoder: undefined, hash: facts.base_hash })
  return facts
}

/** Whether a bank holds the rows of a base, in the same or in another file. */
export const holds = async (facts: BankFacts, base: Base): Promise<boolean> =>
  facts.base_hash === base.hash || (facts.rows === base.rows && facts.content_hash === (await base.contentHash()))

async function readRows(bank: Bank, { rows, dim }: BankFacts) {
  const vectors = new Float32Array(rows * dim)
  const [ids, of, positions, texts] = [new Map<string, number>(), new Int32Array(rows), new Int32Array(rows), [] as string[]]
  let [known, placed] = [true, true]
  for (let at = 0; at < rows; ) {
    tally(at, rows)
    const part = await bank.rows(at, Math.min(rowsTogether(dim), rows - at))
    if (part.count === 0) break
    vectors.set(part.vectors, at * dim)
    for (let i = 0; i < part.count; i++) {
      const [article, position, text] = [part.articles[i]!, part.positions[i]!, part.texts[i]]
      known &&= article !== null
      placed &&= position !== null
      if (known) of[at + i] = ids.get(article) ?? ids.set(article, ids.size).size - 1
      if (placed) positions[at + i] = position
      if (typeof text === 'string') texts.push(text)
    }
    at += part.count
  }
  return {
    vectors,
    ...(known && { articles: { ids: [...ids.keys()], of } }),
    ...(placed && { positions }),
    texts: texts.length === rows ? texts : undefined,
  }
}

/**
 * Reads all rows of a bank as a base, for an exact search.
 *
 * Errors: those of requireFitting; BANK_MISMATCH when the rows are not those that were pushed.
 */
export async function bankBase(bank: Bank, beside: Base): Promise<Base> {
  const facts = await requireFitting(bank, beside)
  const { vectors, texts, ...rest } = await stage('read the bank', () => readRows(bank, facts))
  const tensor = Tensor.from(vectors, [facts.rows, facts.dim])
  const found = { kind: 'base' as const, vectors: tensor, ...rest }
  const hash = await contentHash({ ...found, targets: undefined })
  if (hash !== facts.content_hash) {
    tensor.dispose()
    throw new LvmError('BANK_MISMATCH', `${bank.url}: expected the rows that were pushed but their hash differs`, {
      hint: 'run: lvm-torch bank verify URL BASE',
    })
  }
  const named = new Map(texts?.entries())
  return {
    ...beside,
    ...found,
    part: undefined,
    parts: [],
    dtype: 'float32',
    path: bank.url,
    rows: facts.rows,
    hash: (await holds(facts, beside)) ? beside.hash : facts.base_hash,
    contentHash: async () => hash,
    sideFile: undefined,
    mapped: false,
    warnings: [],
    texts: async () => texts,
    textsOf: async (rows) => texts && new Map(Array.from(rows, (row) => [row, named.get(row)!] as const)),
    dispose: () => tensor.dispose(),
    [Symbol.dispose]: () => tensor.dispose(),
  }
}
