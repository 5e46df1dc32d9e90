import { flag, integer, text } from '../options.js'

/** Options of `bundle` beside the runs. */
export const bundleFields = {
  out: text({ default: undefined, about: 'archive to write, such as app.tgz', group: 'Bundle' }),
  bank: text({ default: undefined, about: 'file of vectors that /v1/retrieve searches, with its texts', group: 'Bundle' }),
  space: text({ default: undefined, about: 'encoder of a bank that has no card', group: 'Bundle' }),
  level: integer({ default: 6, min: 1, max: 9, about: 'gzip level: higher is smaller and slower', group: 'Bundle' }),
  overwrite: flag({ default: false, about: 'replace an existing archive', group: 'Bundle' }),
} as const
/** Options of `bundle verify` beside the folder. */
export const bundleVerifyFields = {
  quick: flag({ default: false, about: 'check sizes, and hashes of files up to 8 MiB only' }),
} as const
