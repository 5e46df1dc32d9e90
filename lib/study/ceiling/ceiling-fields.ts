import { columnFields, dataFields } from '../../data/data-fields.js'
import { integer, real, text } from '../../options.js'

const judged = {
  data: text({ default: undefined, about: 'file of vectors', group: 'Data' }),
  ...columnFields,
  ...dataFields,
  context: integer({ default: 5, min: 1, about: 'number of vectors in a context', group: 'Data' }),
  seed: integer({ default: 0, min: 0, about: 'seed of the split and the networks', group: 'Run' }),
  out: text({ default: undefined, about: 'folder to also write the result to, as JSON', group: 'Run' }),
}

/** Options of `ceiling`. */
export const ceilingFields = {
  ...judged,
  minHistory: integer({
    default: undefined,
    min: 1,
    about:
      'fewest vectors before a target, where cosines are compared over longer contexts; 5 unless given, or --context if that is less',
    group: 'Data',
  }),
  seconds: real({
    default: 300,
    min: 1,
    max: 86_400,
    about:
      'maximum seconds of training for all networks together; each ends earlier once it stops improving or has done its steps',
    group: 'Run',
  }),
}
/** Options of `arrow`. */
export const arrowFields = judged
