import { LvmError } from '../lib/errors.js'
import { nearestWord } from '../lib/show.js'

/** What is known at the moment yargs gives up. */
export interface Known {
  /** The verb so far, such as `train` or `runs list`; empty outside one. */
  readonly verb: string
  /** Its command line, such as `train <model>`. */
  readonly command: string
  readonly verbs: readonly string[]
  readonly options: readonly string[]
  /** What was typed. */
  readonly words: readonly string[]
}

/** The sentence of yargs' parser turned into one of ours, with the nearest word that exists. */
export function usageError(message: string, { verb, command, verbs, options, words }: Known): LvmError {
  const hint = `run: ${['lvm-torch', verb, '--help'].filter(Boolean).join(' ')}`
  const bad = (sentence: string) => new LvmError('BAD_OPTION', `${verb || 'lvm-torch'}: ${sentence}`, { hint })
  const [, what = '', list = ''] =
    /^(Unknown argument|Unknown command|Missing required argument|Not enough arguments following)s?: (.*)/.exec(message) ?? []
  const word = list.split(', ')[0]!
  const suggest = (meant: string | undefined) => (meant === undefined ? '' : `; did you mean ${meant}?`)
  if (what === 'Missing required argument') return bad(`--${word} is missing`)
  if (what === 'Not enough arguments following') return bad(`--${word} needs a value`)
  if (message.startsWith('Not enough non-option')) return bad(`${/<.*>/.exec(command)?.[0] ?? 'a verb'} is missing`)
  if (what === '') return bad(message)
  if (words.some((typed) => typed.replace(/^-+(no-)?|=.*/g, '') === word && typed.startsWith('-'))) {
    const meant = nearestWord(word, options)
    return bad(`there is no option --${word}${suggest(meant && `--${meant}`)}`)
  }
  return bad(
    verbs.length > 0 ? `there is no verb "${word}"${suggest(nearestWord(word, verbs))}` : `"${word}" is one argument too many`,
  )
}
