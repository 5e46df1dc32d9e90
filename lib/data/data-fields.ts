import { flag, text } from '../options.js'

/** Options of every command that opens a file of vectors. */
export const dataFields = {
  space: text({
    default: undefined,
    about: 'name of the encoder that made the vectors, when no card beside them has it',
    group: 'Data',
  }),
  normalize: flag({ default: false, about: 'divide every vector by its length', group: 'Data' }),
}

/** Options of `data inspect`. */
export const inspectFields = {
  ...dataFields,
  part: text({
    default: undefined,
    matches: /^(train|val)$/,
    expected: 'train or val',
    about: 'open this half of a file that holds both',
    group: 'Data',
  }),
}
