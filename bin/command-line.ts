import { basename } from 'node:path'
import { shellWord } from '../lib/show.js'
import { nearby } from './output.js'

/** How this program is called where it was called: from node_modules, from a clone, or by its name. */
export function program(script = process.argv[1] ?? 'lvm-torch'): string {
  if (/[\\/]node_modules[\\/]/.test(script)) return 'npx lvm-torch'
  return /\.m?js$/.test(script) ? `node ${shellWord(nearby(script))}` : basename(script)
}

/** The command line that goes on where this one stopped. */
export const resumption = (words: readonly string[] = process.argv.slice(2)): string =>
  [
    program(),
    ...words.filter((word) => !/^--(no-)?(resume|overwrite)(=|$)/.test(word)).map((word) => shellWord(word)),
    '--resume',
  ].join(' ')
