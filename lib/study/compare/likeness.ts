import { createHash } from 'node:crypto'
import { shortestOf } from '../../data/windows.js'
import { LvmError } from '../../errors.js'
import type { Chosen } from '../../evaluate/subject.js'

/** Properties that must be equal before two figures are compared, by the name that an error message uses. */
export type Likeness = Readonly<Record<string, string>>

const digest = (...columns: Int32Array[]): string => {
  const hash = createHash('sha256')
  for (const column of columns) hash.update(new Uint8Array(column.buffer, column.byteOffset, column.byteLength)).update('\n')
  return hash.digest('hex').slice(0, 16)
}

/** Returns the data, windows and split on which a contestant is evaluated. */
export function likeness({ base, windows, ids, part, split }: Chosen): Likeness {
  const column = (of: Int32Array) => ids.map((id) => of[id]!)
  return {
    data: base.hash,
    space: base.space ?? 'unknown',
    normalisation: base.normalized ? 'divided by length' : 'as stored',
    rows: part,
    split: split === undefined ? 'none' : `by ${split.mode}, seed ${split.seed}${split.leaky ? ', leaky' : ''}`,
    'shortest context length': String(shortestOf(windows)),
    windows: `${ids.length} windows (${digest(column(windows.target))})`,
    'training windows': split === undefined ? 'none' : `${split.train.length} windows (${digest(split.train)})`,
  }
}

/** Refuses to compare figures of different windows. Errors: BAD_OPTION with the first difference. */
export function requireAlike(a: { name: string; on: Likeness }, b: { name: string; on: Likeness }): void {
  for (const [what, mine] of Object.entries(a.on)) {
    const theirs = b.on[what]!
    if (mine === theirs) continue
    throw new LvmError(
      'BAD_OPTION',
      `compare: expected the same ${what} for all but ${a.name} has ${mine} and ${b.name} has ${theirs}`,
      {
        hint: 'train both with the same data, --split, --split-seed (or --seed) and --context or --min-history, or evaluate both on other --data',
      },
    )
  }
}
