import { createHash } from 'node:crypto'
import { badOption } from '../../errors.js'

/** Share of the clients of each run, by name. */
export type Split = Readonly<Record<string, number>>

/** Reads `a=90,b=10`. Errors: BAD_OPTION for a run that is not served, a repeated name, or weights that are all 0. */
export function readSplit(text: string, names: readonly string[]): Split {
  const pairs = text.split(',').map((part) => part.split('=') as [string, string])
  const given = pairs.map(([name]) => name)
  const wrong = given.find((name, i) => !names.includes(name) || given.indexOf(name) !== i)
  if (wrong !== undefined) throw badOption('serve', 'split', `each once of the served runs ${names.join(', ')}`, text)
  const split = Object.fromEntries(pairs.map(([name, weight]) => [name, Number(weight)]))
  if (!Object.values(split).some((weight) => weight > 0)) throw badOption('serve', 'split', 'a weight above 0', text)
  return split
}

/** Assigns a client to a run: always to the same one while the split stays the same. */
export function assigned(split: Split, client: string): string {
  const hash = createHash('sha256').update(client).digest().readUInt32BE() / 2 ** 32
  const pairs = Object.entries(split).filter(([, weight]) => weight > 0)
  const total = pairs.reduce((sum, [, weight]) => sum + weight, 0)
  let upTo = 0
  for (const [name, weight] of pairs) {
    upTo += weight / total
    if (hash < upTo) return name
  }
  return pairs.at(-1)![0] // the shares may add up to 1 − ε
}
