import { type Check, plainCopy } from '../../door.js'
import { flag, integer } from '../../options.js'

/** Options on the command line for the page that shows trainings; in the library they are `watch` of the second argument. */
export const watchFields = {
  watch: flag({
    default: false,
    about: 'show the curves of a training while it runs, on a page that this machine alone can open; its address is printed',
    group: 'Run',
  }),
  watchPort: integer({
    default: undefined,
    min: 0,
    max: 65_535,
    about: 'port of that page, which this option asks for too; if omitted or 0, a free one',
    group: 'Run',
  }),
} as const

/** Where the page is served: `true` for a free port. */
export type WatchOption = boolean | { readonly port?: number | undefined }

const keysOf = (value: unknown) => plainCopy(value) as { port?: unknown } | undefined
/** Check of `watch`. */
export const watchOption: Check = {
  expected: 'true, false or { port: an integer from 0 to 65535 }',
  accepts: (value) => {
    if (typeof value === 'boolean') return true
    const copy = keysOf(value)
    return copy !== undefined && Object.keys(copy).every((key) => key === 'port') && watchFields.watchPort.accepts(copy.port)
  },
  convert: (value) => (typeof value === 'boolean' ? value : keysOf(value)),
}

/** Port of the page, 0 for a free one; undefined without a page. */
export const watchedPort = (option: WatchOption | undefined): number | undefined => {
  if (option === undefined || option === false) return undefined
  return option === true ? 0 : (option.port ?? 0)
}
