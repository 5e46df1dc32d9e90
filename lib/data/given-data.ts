import { type Check, type Place, plainCopy, word } from '../door.js'
import { badOption } from '../errors.js'
import { type GivenData, isGiven } from '../sources/given-table.js'
import { keepGiven } from '../sources/kept-base.js'
import { pathWith } from '../sources/source-path.js'

/** Vectors wherever a function takes data: a path, vectors in memory, or rows to iterate over. */
export type Data = string | GivenData
/** Options of a function; some of them hold data. */
export type WithData<O, K extends string = 'data'> = { readonly [P in keyof O]: P extends K ? Data | undefined : O[P] } // keeps what is said about each option

/** The columns that options beside a path name; they are removed from the options, because the path then names them. */
function columnsOf({ owner, options, name }: Place, given: unknown): { vectors?: string; articles?: string } {
  const { vectors, articles } = options
  for (const [key, value] of Object.entries({ vectors, articles })) {
    if (value === undefined) continue
    if (typeof given !== 'string')
      throw badOption(
        owner,
        key,
        `no value without a file for "${name}"`,
        value,
        `name the file with --${name}, or leave --${key} out`,
      )
    if (!word.accepts(value)) throw badOption(owner, key, 'text', value)
  }
  delete options.vectors
  delete options.articles
  return {
    ...(vectors !== undefined && { vectors: vectors as string }),
    ...(articles !== undefined && { articles: articles as string }),
  }
}

/** The path of data whose check has run, and has replaced vectors in memory by one. */
export const pathOf = (data: Data): string => data as string

const path = (value: unknown, { owner, signal }: Place): Promise<string> | string =>
  typeof value === 'string' ? value : keepGiven(owner, value as GivenData, signal)

/** Data that a function may be given. Vectors in memory are written to the cache, and the function receives a path that names them. */
export const someData: Check = {
  expected: 'a path, { vectors, articles, … } or rows to iterate over',
  accepts: (value) => word.accepts(value) || isGiven(value),
  load: async (value, place) => (value === undefined ? undefined : path(value, place)),
}

/** The data that a function works on; the options `vectors` and `articles` beside it choose its columns. */
export const mainData: Check = {
  ...someData,
  load: async (value, place) => {
    const columns = columnsOf(place, value)
    if (value === undefined) return undefined
    const named = await path(value, place)
    return Object.keys(columns).length === 0 ? named : pathWith(named, columns)
  },
}

/** Length limit of a list of data; a longer list holds rows. */
const MANY = 1000
const isMany = (value: unknown): value is readonly unknown[] =>
  Array.isArray(value) &&
  value.length <= MANY &&
  value.every((one) => typeof one === 'string' || plainCopy(one)?.vectors !== undefined)

/** A list of data, or one. */
export const dataOrMany: Check = {
  expected: `${someData.expected}, or a list of them`,
  accepts: (value) => someData.accepts(value) || isMany(value),
  load: async (value, place) => {
    if (!isMany(value)) return someData.load!(value, place)
    const paths: string[] = []
    for (const one of value) paths.push(await path(one, place))
    return paths
  },
}
