import { shown } from '../errors.js'
import { damaged } from '../files/read-file.js'
import type { Articles } from './base.js'

/** Why a value is no id of an article; undefined when it is one. */
function fault(id: unknown): string | undefined {
  if (typeof id === 'number' && Number.isInteger(id) && !Number.isSafeInteger(id))
    return `a text, or a whole number within 2^53, but received one beyond, which JSON does not keep exactly: ${id}`
  const isId = typeof id === 'string' || typeof id === 'bigint' || Number.isSafeInteger(id)
  return isId ? undefined : `a text or whole number but received ${shown(id)}`
}

/**
 * Gives every distinct id a number, in order of appearance.
 *
 * Numbers and texts are ids; a number and a text that read the same are refused, whatever the format, as nobody can tell whether
 * they are one article.
 */
export function articleTable(path: string, rows: number) {
  const numbers = new Map<string, { number: number; isText: boolean }>()
  const of = new Int32Array(rows)
  return {
    /** The text of the id. Errors: DATA_FORMAT, which says `where`. */
    add(row: number, id: unknown, where: string): string {
      const why = fault(id)
      if (why !== undefined) throw damaged(path, `${where}: expected ${why}`, undefined, 'write all ids as texts')
      const text = String(id)
      const isText = typeof id === 'string'
      const known = numbers.get(text) ?? { number: numbers.size, isText }
      if (known.isText !== isText)
        throw damaged(
          path,
          `${where}: expected ids of one type but article ${shown(text)} is there both as a number and as a text`,
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
