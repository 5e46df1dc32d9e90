import { type Fields, flag, integer, real } from '../options.js'

const size = { group: 'Size' }

/** Options of `plan` beside those of the training that it plans. */
export const planningFields = {
  rows: integer({ default: undefined, min: 20, max: 1e12, about: 'vectors of the data', ...size }),
  dim: integer({ default: 768, min: 1, max: 65_536, about: 'numbers of a vector', ...size }),
  articleRows: integer({ default: 100, min: 2, max: 1e6, about: 'vectors of an article, on average', ...size }),
  valRows: integer({
    default: undefined,
    min: 2,
    max: 1e12,
    about: 'vectors of the validation file, with --split file; otherwise a tenth of the articles is evaluated after each epoch',
    ...size,
  }),
  ranks: integer({
    default: undefined,
    min: 1,
    max: 4096,
    about:
      'processes that share each batch, on machines like this one; if omitted, those of --processes, which are on one machine',
    ...size,
  }),
  network: real({
    default: 1.25,
    min: 1e-6,
    max: 1e6,
    about: 'GB/s that each process can send and receive at the same time; 1.25 is 10 Gbit/s',
    ...size,
  }),
  measure: flag({
    default: true,
    about:
      'train some steps with made-up vectors on this machine; otherwise, and where its memory is too small, the time is a lower bound from the speed of products',
    ...size,
  }),
} as const

/** Options of a training that say where its data and its run are, and nothing about its size. */
const PLACES = [
  ...(['data', 'vectors', 'articles', 'space', 'encoder', 'val', 'init', 'name', 'out', 'resume', 'force', 'overwrite'] as const),
  ...(['log', 'logEvery', 'extend', 'rankTimeout'] as const),
] as const

/** The options of a training that a plan takes, from the table of all. */
export const plannedOf = <F extends Fields>(fields: F): Omit<F, (typeof PLACES)[number]> =>
  Object.fromEntries(Object.entries(fields).filter(([key]) => !PLACES.some((place) => place === key))) as Omit<
    F,
    (typeof PLACES)[number]
  >
/** Whether an option of a training has no place in a plan. */
export const isPlace = (key: string): boolean => PLACES.some((place) => place === key)
