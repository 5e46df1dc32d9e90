import { inspectFields } from '../data/data-fields.js'
import { integer, text } from '../options.js'

/** What `data audit` takes beside the file and those it is held against. */
export const auditFields = {
  space: inspectFields.space,
  part: inspectFields.part,
  context: integer({ default: 5, min: 1, about: 'vectors in a context', group: 'Data' }),
  out: text({ default: undefined, about: 'folder where audit.json is written', group: 'Run' }),
} as const
