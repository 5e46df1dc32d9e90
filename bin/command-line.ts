import { basename } from 'node:path'
import { shellWord } from '../lib/show.js'
import { nearby } from './output.js'

/** Returns the command that starts this program: through npx, from a clone, or by its name. */
export function program(script = process.argv[1] ?? 'lvm-torch'): string {
  if (/[\\/]node_modules[\\/]/.test(script)) return 'npx lvm-torch'
  return /\.m?js$/.test(script) ? `node ${shellWord(nearby(script))}` : basename(script)
}

/** Returns the command line that resumes this one. */
export const resumption = (words: readonly string[] = process.argv.slice(2)): string =>
  [
    program(),
    ...words.filter((word) => !/^--(no-)?(resume|overwrite)(=|$)/.test(word)).map((word) => shellWord(word)),
    '--resume',
  ].join(' ')
