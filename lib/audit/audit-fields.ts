import { columnFields, inspectFields } from '../data/data-fields.js'
import { integer, text } from '../options.js'
import { encoderFields } from '../text/encoders/encoder-fields.js'
import { encoderField } from '../text/space/encoder-of-base.js'

/** Options of `data audit`, besides the file and those it is compared with. */
export const auditFields = {
  ...columnFields,
  space: inspectFields.space,
  part: inspectFields.part,
  context: integer({ default: 5, min: 1, about: 'number of vectors in a context', group: 'Data' }),
  encoder: encoderField,
  ...encoderFields,
  out: text({ default: undefined, about: 'folder to write audit.json to', group: 'Run' }),
} as const
