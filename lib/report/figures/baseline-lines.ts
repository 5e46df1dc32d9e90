import type { BaselineName } from '../../baselines/baselines-fit.js'
import type { RunEntry } from '../../evaluate/results-file.js'
import { NAMES } from '../../evaluate/results-table.js'

/** Returns the baselines of an entry as reference lines. */
export const references = (entry: Pick<RunEntry, 'baselines'> | undefined, key: 'cosine' | 'mse_raw' | 'mse_unit') =>
  Object.entries(entry?.baselines ?? {}).map(([name, figures]) => ({
    name: NAMES[name as BaselineName],
    value: figures[key],
  }))
