import { LvmError } from '../errors.js'
import { DEFAULT_LIMITS } from '../files/limits.js'
import type { Base } from './base.js'
import { objects } from './side-file.js'

type Facts = Readonly<Record<string, unknown>>

/** The facts of rows that no side file has, from the file of vectors. */
async function* withoutSide(base: Base): AsyncGenerator<Facts> {
  const texts = await base.texts()
  for (let row = 0; row < base.rows; row++) yield texts === undefined ? {} : { text: texts[row] }
}

async function* ofSide(path: string): AsyncGenerator<Facts> {
  for await (const [line] of objects(path, DEFAULT_LIMITS)) yield { ...line }
}

/**
 * Returns a function that gives the lines of a side file for the next rows, or undefined for a base without facts about its rows.
 *
 * A side file is read as it goes and keeps all its keys; its texts are not held.
 */
export function rowLines(base: Base): ((rows: number) => Promise<string>) | undefined {
  const { articles, positions, sideFile, path } = base
  const facts = sideFile === undefined ? withoutSide(base) : ofSide(sideFile)
  if (sideFile === undefined && articles === undefined && positions === undefined) return undefined
  let row = 0
  return async (rows) => {
    const lines: string[] = []
    for (; lines.length < rows; row++) {
      const { done, value } = await facts.next()
      if (done) throw new LvmError('DATA_CHANGED', `${path}: expected ${base.rows} lines but there are ${row} now`)
      const own = {
        ...(articles && { article_id: articles.ids[articles.of[row]!] }),
        ...(positions && { index: positions[row] }),
      }
      lines.push(`${JSON.stringify({ ...value, ...own })}\n`)
    }
    return lines.join('')
  }
}
