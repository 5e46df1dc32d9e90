import { LvmError } from '../lib/errors.js'

/** How many letters were mistyped, if one word was meant by the other: one left out, added, changed or swapped with its neighbour. */
export function distance(a: string, b: string): number {
  const d = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : i)))
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1
      d[i]![j] = Math.min(d[i - 1]![j]! + 1, d[i]![j - 1]! + 1, d[i - 1]![j - 1]! + change)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) d[i]![j] = Math.min(d[i]![j]!, d[i - 2]![j - 2]! + 1)
    }
  }
  return d[a.length]![b.length]!
}

/** The known word that was probably meant: one that begins so, or differs in a third of its letters at most. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const begun = word.length >= 3 ? known.find((k) => k.startsWith(word)) : undefined
  const [best] = known.map((k) => ({ k, d: distance(word, k) })).sort((x, y) => x.d - y.d)
  return begun ?? (best && best.d <= Math.max(1, Math.floor(Math.max(word.length, best.k.length) / 3)) ? best.k : undefined)
}

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
    const meant = nearest(word, options)
    return bad(`there is no option --${word}${suggest(meant && `--${meant}`)}`)
  }
  return bad(
    verbs.length > 0 ? `there is no verb "${word}"${suggest(nearest(word, verbs))}` : `"${word}" is one argument too many`,
  )
}
