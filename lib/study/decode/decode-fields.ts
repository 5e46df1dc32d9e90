import { judged } from '../../evaluate/evaluate-fields.js'
import { choice, integer, text } from '../../options.js'
import { generatorFields } from '../../text/decode/sentence-generator.js'
import { encoderField } from '../../text/space/encoder-of-base.js'

const { vectors: _vectors, articles: _articles, ...own } = judged

/** Options of `decode` beside the run or the vectors. Those of `judged` other than `space` need a run. */
export const decodeFields = {
  ...own,
  decoder: text({
    default: 'nearest',
    about:
      'nearest: the stored sentence whose vector is nearest, which needs no weights; or the folder of a vec2text decoder, which writes new sentences',
    expected: 'nearest, or the folder of a decoder',
    group: 'Text',
  }),
  bank: text({
    default: undefined,
    about: 'base with a sentence for each row, in which the nearest is searched; the data of the run unless given',
    group: 'Text',
  }),
  encoder: encoderField,
  exclude: choice(['none', 'context'], {
    default: 'none',
    about: 'context: never show a sentence that the model has just read',
    group: 'Text',
  }),
  ...generatorFields,
  limit: integer({
    default: undefined,
    min: 0,
    about:
      'number of rows; of a run, windows at evenly spaced quantiles of the cosine with the true next vector; of a file, its first rows. All rows unless given; on the terminal 10 of a run',
    group: 'Text',
  }),
  out: text({
    default: undefined,
    about: 'file to write the sentences to, as JSON, or with the ending .jsonl one row per line',
    group: 'Run',
  }),
} as const
