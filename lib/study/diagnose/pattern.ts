import { worded } from '../../hints.js'
import type { Facts } from './facts.js'

/** A pattern found in a run: its evidence, its likely cause and its fix. */
export interface Finding {
  readonly code: string
  /** fail: the run or its evaluation is broken; warn: the run is weak; note: for information. */
  readonly level: 'fail' | 'warn' | 'note'
  readonly what: string
  readonly why: string
  readonly fix: string
}

type Words = string | ((f: Facts) => string)

/** A known failure, recognised by its figures. */
export interface Pattern {
  readonly code: string
  readonly level: Finding['level']
  readonly holds: (f: Facts) => boolean
  /** Tested only on windows that were not used for training. */
  readonly unseen?: true
  readonly what: (f: Facts) => string
  readonly why: Words
  readonly fix: Words
}

export const said = (words: Words, f: Facts): string => worded(typeof words === 'string' ? words : words(f))

type Settings = NonNullable<Facts['settings']>
/** Options that `advice` may name, each with a test whether a run already has it. */
const HAS: Readonly<Record<string, (s: Settings) => boolean>> = {
  '--recipe strong': ({ recipe }) => recipe === 'strong',
  '--residual decay': ({ residual }) => residual !== undefined && residual !== 'none',
  '--clip 1': ({ gradient_clip: clip }) => Number(clip) > 0 && Number(clip) <= 1,
  '--loss cosine': ({ loss }) => loss === 'cosine',
  '--early-stop 3': ({ early_stop: stop }) => Number(stop ?? 0) > 0,
}

/** Returns advice without the options that the run was already trained with. */
export function advice({ settings }: Facts, ...ways: readonly string[]): string {
  const left = ways.filter((way) => settings === null || !HAS[way]?.(settings))
  return `try ${left.length < 2 ? left.join() : `${left.slice(0, -1).join(', ')} or ${left.at(-1)}`}`
}
