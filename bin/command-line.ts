import { basename, isAbsolute, relative } from 'node:path'
import { shellWord } from '../lib/show.js'
import { VERBS } from './verbs.js'

/** Shortens a path below the working directory to a relative one; returns other paths unchanged. */
export function nearby(path: string): string {
  const short = relative(process.cwd(), path)
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short
}

/** Returns the command that starts this program: through npx, from a clone, or by its name. */
export function program(script = process.argv[1] ?? 'lvm-torch'): string {
  if (/[\\/]node_modules[\\/]/.test(script)) return 'npx lvm-torch'
  return /\.m?js$/.test(script) ? `node ${shellWord(nearby(script))}` : basename(script)
}

/** A command with a verb; not the value of a column, such as the source of a file, or of a line of the help. */
const COMMAND = new RegExp(`(?<!npx |\\S {2,}|^ *)\\blvm-torch (?=(${Object.keys(VERBS).join('|')})\\b)`, 'gm')

/** Returns a sentence whose commands start this program as the reader started it. */
export const runnable = (sentence: string, script?: string): string => sentence.replace(COMMAND, () => `${program(script)} `)

/** Returns the command line that resumes this one. */
export const resumption = (words: readonly string[] = process.argv.slice(2)): string =>
  [
    program(),
    ...words.filter((word) => !/^--(no-)?(resume|overwrite)(=|$)/.test(word)).map((word) => shellWord(word)),
    '--resume',
  ].join(' ')
