import { LvmError } from '../lib/errors.js'
import { kebab, nearestWord } from '../lib/show.js'

/** The verb that was typed, and the verbs and options that can follow it. */
export interface Offered {
  /** The path of verbs, such as `train` or `runs list`; empty outside one. */
  readonly verb: string
  /** The command with its arguments, such as `train <model>`. */
  readonly command: string
  readonly verbs: readonly string[]
  readonly options: readonly string[]
}

/** Reads from a help text which verb it describes, and which verbs and options that verb takes. */
export function offered(help: string): Offered {
  const [, command = ''] = /^\S+ (.*)/.exec(help) ?? []
  const verb = command.startsWith('VERB') ? '' : command.replace(/ [<[].*/, '')
  const depth = verb === '' ? 1 : verb.split(' ').length + 1
  const [commands = ''] = /^Commands:\n(?: .*\n)+/m.exec(help) ?? []
  return {
    verb,
    command,
    verbs: commands
      .split('\n')
      .slice(1, -1)
      .map((line) => line.trim().split(' ')[depth]!),
    options: [...help.matchAll(/^ {2}--(\S+)/gm), ...command.matchAll(/[<[](\w+)/g)].map(([, name = '']) => name),
  }
}

/** Whether a verb that only has verbs of its own was typed alone, so that they are to be listed. */
export const listed = (message: string | undefined, { verb, command, verbs }: Offered, words: readonly string[]): boolean =>
  message?.startsWith('Not enough non-option') === true &&
  verbs.length > 0 &&
  !command.includes('<') &&
  verb !== '' &&
  words.join(' ') === verb

/** First typed option that the verb does not have. */
const unknownOption = (words: readonly string[], options: readonly string[]): string | undefined =>
  words
    .flatMap((word) => /^--(?:no-)?([a-z][\w-]*)/i.exec(word)?.[1] ?? [])
    .find((name) => ![name, `no-${name}`].some((typed) => options.includes(typed) || options.includes(kebab(typed))))

/** Rewrites an error of yargs' parser in the form of this package, with the nearest word that exists; `words` are the command line. */
export function usageError(
  message: string,
  { verb, command, verbs, options, words }: Offered & { readonly words: readonly string[] },
): LvmError {
  const hint = `run: ${['lvm-torch', verb, '--help'].filter(Boolean).join(' ')}`
  const bad = (sentence: string) => new LvmError('BAD_OPTION', `${verb || 'lvm-torch'}: ${sentence}`, { hint })
  const [, what = '', list = ''] =
    /^(Unknown argument|Unknown command|Missing required argument|Not enough arguments following)s?: (.*)/.exec(message) ?? []
  const missing = what === 'Missing required argument' || message.startsWith('Not enough non-option')
  const typo = missing && verb !== '' ? unknownOption(words, options) : undefined // the likelier cause of what is missing
  const word = typo ?? list.split(', ')[0]!
  const suggest = (meant: string | undefined) => (meant === undefined ? '' : `; did you mean ${meant}?`)
  const noOption = () => {
    const meant = nearestWord(word, options)
    return bad(`there is no option --${word}${suggest(meant && `--${meant}`)}`)
  }
  if (typo !== undefined) return noOption()
  if (what === 'Missing required argument') return bad(`--${word} is missing`)
  if (what === 'Not enough arguments following') return bad(`--${word} needs a value`)
  if (message.startsWith('Not enough non-option')) return bad(`${/<.*>/.exec(command)?.[0] ?? 'a verb'} is missing`)
  if (what === '') return bad(message)
  if (words.some((typed) => typed.replace(/^-+(no-)?|=.*/g, '') === word && typed.startsWith('-'))) return noOption()
  return bad(
    verbs.length > 0 ? `there is no verb "${word}"${suggest(nearestWord(word, verbs))}` : `"${word}" is one argument too many`,
  )
}
