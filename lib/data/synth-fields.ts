import { choice, integer, text } from '../options.js'

/** Kinds of text that a synthetic corpus imitates. */
export const KINDS = ['directed', 'reversible', 'noise'] as const

/** Options of `synth`. */
export const synthFields = {
  kind: choice(KINDS, {
    default: 'directed',
    about: 'order of rows: easier to predict forward than backward, equally easy both ways, or pure noise',
    group: 'Data',
  }),
  rows: integer({ default: 20_000, min: 1, max: 100_000_000, about: 'number of vectors', group: 'Data' }),
  dim: integer({ default: 64, min: 16, max: 65_536, about: 'dimension of a vector', group: 'Data' }),
  articles: integer({
    default: 200,
    min: 1,
    about: 'number of articles, with lengths from 0.5 to 1.5 times the mean',
    group: 'Data',
  }),
  seed: integer({ default: 0, min: 0, about: 'seed of all random numbers', group: 'Data' }),
  out: text({
    default: undefined,
    matches: /\.npy$/,
    expected: 'a name that ends in .npy',
    about: 'file to write, with a .jsonl and a .card.json beside it',
    group: 'Run',
  }),
} as const
