import { shown } from '../errors.js'
import { damaged } from '../files/read-file.js'
import type { Articles } from './base.js'

/** Reason why a value is not an article id; undefined for a valid id. */
function fault(id: unknown): string | undefined {
  if (typeof id === 'number' && Number.isInteger(id) && !Number.isSafeInteger(id))
    return `a text, or an integer within 2^53 (JSON does not keep larger ones exactly), but received ${id}`
  const isId = typeof id === 'string' || typeof id === 'bigint' || Number.isSafeInteger(id)
  return isId ? undefined : `a text or an integer but received ${shown(id)}`
}

/**
 * Numbers the distinct ids in order of appearance.
 *
 * Ids are integers or texts. An integer and a text with the same digits are refused, because they may mean one article or two.
 */
export function articleTable(path: string, rows: number) {
  const numbers = new Map<string, { number: number; isText: boolean }>()
  const of = new Int32Array(rows)
  return {
    /** Stores the id of a row and returns it as text. Errors: DATA_FORMAT, with `where` in the message. */
    add(row: number, id: unknown, where: string): string {
      const why = fault(id)
      if (why !== undefined) throw damaged(path, `${where}: expected ${why}`, undefined, 'write all ids as texts')
      const text = String(id)
      const isText = typeof id === 'string'
      const known = numbers.get(text) ?? { number: numbers.size, isText }
      if (known.isText !== isText)
        throw damaged(
          path,
          `${where}: expected ids of one type but article ${shown(text)} appears both as a number and as a text`,
          undefined,
          'write all ids as texts',
        )
      numbers.set(text, known)
      of[row] = known.number
      return text
    },
    articles: (): Articles => ({ ids: [...numbers.keys()], of }),
  }
}
