import type { Options } from 'yargs'
import { wrapped } from './flags.js'
import { GROUPS, VERBS } from './verbs.js'

/** Options of every verb. */
export const EVERYWHERE = {
  json: { type: 'boolean', describe: 'print JSON: one document, or one event per line for long work' },
  quiet: { type: 'boolean', describe: 'print only results, warnings and errors' },
  verbose: { type: 'boolean', describe: 'also print each stage when it ends, and where an error was thrown' },
  color: { type: 'boolean', describe: 'colours, also outside a terminal; --no-color or NO_COLOR: none' },
  profile: { type: 'boolean', describe: 'also print the stages of the work and their share of the time' },
} as const satisfies Record<string, Options>

const OTHERS = {
  '-h, --help': 'show this help, or the help of a verb',
  '-v, --version': 'show the versions of lvm-torch, Node and libtorch',
}

/** Lines of names and descriptions; a description that is too long for its line continues below its beginning. */
function lines(entries: readonly (readonly [name: string, about: string])[], width: number, column: number): string {
  const line = ([name, about]: readonly [string, string]) =>
    `  ${name.padEnd(column)}  ${wrapped(about, Math.max(20, width - column - 5)).replaceAll('\n', `\n${' '.repeat(column + 4)}`)}`
  return entries.map(line).join('\n')
}

/** Help of the program: its verbs by group, and the options that every verb has. */
export function rootHelp(width: number): string {
  const called = (verb: string) => `lvm-torch ${verb}`
  const column = Math.max(...Object.keys(VERBS).map((verb) => called(verb).length))
  const group = ([title, verbs]: readonly [string, typeof VERBS]) => {
    const entries = Object.entries(verbs).map(([verb, [about]]) => [called(verb), about] as const)
    return `${title}:\n${lines(entries, width, column)}`
  }
  const options = [
    ...Object.entries(EVERYWHERE).map(([name, { describe }]) => [`    --${name}`, describe] as const),
    ...Object.entries(OTHERS),
  ]
  return [
    'lvm-torch VERB [options]',
    wrapped('Train, evaluate, compress and serve predictors of the next sentence vector.', width - 1),
    ...Object.entries(GROUPS).map(group),
    `Options of every verb:\n${lines(options, width, Math.max(...options.map(([name]) => name.length)))}`,
    wrapped('Options of one verb: lvm-torch VERB --help', width - 1),
  ].join('\n\n')
}
