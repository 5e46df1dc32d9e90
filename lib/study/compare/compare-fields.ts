import { judged } from '../../evaluate/evaluate-fields.js'
import { integer, text } from '../../options.js'

const { data: _, ...others } = judged
/** What `compare` takes beside the contestants and the data, of which there may be several. */
export const compareFields = {
  ...others,
  bank: text({
    default: undefined,
    about: 'file of the vectors that are searched for Top-10; all rows of the data unless given',
    group: 'Data',
  }),
  seed: integer({ default: 0, min: 0, about: 'of the resamples and sign flips', group: 'Run' }),
  out: text({ default: 'artifacts/lvm/evaluation', about: 'folder of the report', group: 'Run' }),
} as const
