import { flag, text } from '../options.js'

/** How a file of vectors is opened. */
export const dataFields = {
  space: text({
    default: undefined,
    about: 'the encoder that made the vectors, when no card beside them says so',
    group: 'Data',
  }),
  normalize: flag({ default: false, about: 'divide every vector by its length', group: 'Data' }),
}

/** What `data inspect` takes. */
export const inspectFields = {
  ...dataFields,
  part: text({
    default: undefined,
    matches: /^(train|val)$/,
    expected: 'train or val',
    about: 'which half, of a file that holds both',
    group: 'Data',
  }),
}
