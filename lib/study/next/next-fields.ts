import { judged } from '../../evaluate/evaluate-fields.js'
import { choice, integer, text } from '../../options.js'

const { rows: _, ...own } = judged

/** Options of `next`, besides the run. */
export const nextFields = {
  file: text({
    default: undefined,
    about: 'text to continue, a .txt or .md file or - for stdin; or a file of vectors, whose last ones are continued',
    group: 'Data',
  }),
  ...own,
  data: { ...own.data, about: 'vectors instead of a text; the last ones are continued' },
  bank: text({
    default: undefined,
    about: 'base in which the next sentences are searched; the training data of the run unless given',
    group: 'Text',
  }),
  encoder: text({
    default: undefined,
    about:
      'sentence encoder of the text, a folder or its name in the cache; that of the training data unless given. Equal vectors are required',
    group: 'Text',
  }),
  k: integer({ default: 10, min: 1, max: 10_000, about: 'number of sentences for each step', group: 'Text' }),
  steps: integer({
    default: 1,
    min: 1,
    max: 1000,
    about: 'number of vectors to predict; each prediction is fed back as input',
    group: 'Run',
  }),
  exclude: choice(['context', 'none'], {
    default: 'context',
    about: 'context: never show a sentence of the bank that the model has just read',
    group: 'Text',
  }),
} as const
