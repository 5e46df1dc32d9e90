import { columnFields, dataFields } from '../data/data-fields.js'
import { flag } from '../options.js'

/** Options of `bank push`, beside the base and the address. */
export const bankPushFields = {
  ...columnFields,
  ...dataFields,
  index: flag({
    default: true,
    about: 'make an index for approximate search; without it the database compares every row',
    group: 'Run',
  }),
} as const

/** Options of `bank verify`, beside the address and the base. */
export const bankVerifyFields = { ...columnFields, ...dataFields } as const
