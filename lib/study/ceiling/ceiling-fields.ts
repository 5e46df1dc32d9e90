import { dataFields } from '../../data/data-fields.js'
import { integer, real, text } from '../../options.js'

const judged = {
  data: text({ default: undefined, about: 'file of vectors', group: 'Data' }),
  ...dataFields,
  context: integer({ default: 5, min: 1, about: 'vectors in a context', group: 'Data' }),
  seed: integer({ default: 0, min: 0, about: 'of split and networks', group: 'Run' }),
  out: text({ default: undefined, about: 'folder where the document is written too', group: 'Run' }),
}

/** What `ceiling` takes. */
export const ceilingFields = {
  ...judged,
  seconds: real({
    default: 300,
    min: 1,
    max: 86_400,
    about: 'longest training of the networks together; they end earlier once they stop improving',
    group: 'Run',
  }),
}
/** What `arrow` takes. */
export const arrowFields = judged
