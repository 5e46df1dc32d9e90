import { choice, integer, text } from '../options.js'

/** What kind of text a synthetic corpus imitates. */
export const KINDS = ['directed', 'reversible', 'noise'] as const

/** What `synth` takes. */
export const synthFields = {
  kind: choice(KINDS, {
    default: 'directed',
    about: 'easier to read forward than backward; the same both ways; or without any order',
    group: 'Data',
  }),
  rows: integer({ default: 20_000, min: 1, max: 100_000_000, about: 'vectors', group: 'Data' }),
  dim: integer({ default: 64, min: 16, max: 65_536, about: 'numbers in a vector', group: 'Data' }),
  articles: integer({ default: 200, min: 1, about: 'articles of half to one and a half times the mean length', group: 'Data' }),
  seed: integer({ default: 0, min: 0, about: 'of everything that is drawn', group: 'Data' }),
  out: text({
    default: undefined,
    matches: /\.npy$/,
    expected: 'a name that ends in .npy',
    about: 'the file that is written, with a .jsonl and a .card.json beside it',
    group: 'Run',
  }),
} as const
