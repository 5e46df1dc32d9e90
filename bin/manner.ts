const words = process.argv.slice(2)
const said = (option: string): boolean => words.includes(`--${option}`)

/** How a verb speaks, from the options that every verb has; read from the words, because it is needed before they are parsed. */
export const manner = {
  json: said('json'),
  quiet: said('quiet'),
  verbose: said('verbose') && !said('quiet'),
  profile: said('profile'),
  /** Undefined unless an option says it. */
  color: said('no-color') ? false : said('color') ? true : undefined,
} as const
