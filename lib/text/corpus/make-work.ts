import { LvmError } from '../../errors.js'
import type { Options } from '../../options.js'
import type { RowOptions } from './article-rows.js'
import type { MakeEvent } from './make-events.js'
import type { makeFields } from './make-fields.js'
import type { BasePaths } from './publish-base.js'
import type { SentenceEncoder } from './sentence-encoder.js'

/** Checked options of one call. */
export interface MakeOptions extends Omit<Options<typeof makeFields>, 'encoder' | 'out'> {
  readonly texts: string
  readonly out: string
  /** Name of the encoder's folder. */
  readonly encoder: string
  readonly open: (threads: number | undefined) => Promise<{ encoder: SentenceEncoder; threads: number }>
}
export interface MakeListener {
  readonly progress?: ((event: MakeEvent) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** One call of `data make` whose encoder is open. */
export interface Work {
  readonly o: MakeOptions
  readonly paths: BasePaths
  readonly encoder: SentenceEncoder
  readonly listener: MakeListener
}

/** Time between two events of a kind. Units: ms */
const EVERY = 1000

/** Returns a function that tells whether the time for the next event has come. */
export function clock(): () => boolean {
  let last = performance.now()
  return () => {
    if (performance.now() - last < EVERY) return false
    last = performance.now()
    return true
  }
}

export const stopped = (signal: AbortSignal): LvmError =>
  signal.reason instanceof LvmError
    ? signal.reason
    : new LvmError('INTERRUPTED', 'data make: stopped by its signal', { hint: 'the same command continues' })

/** What decides the rows. */
export const corpusOf = (o: MakeOptions): RowOptions => ({
  texts: o.texts,
  encoding: o.encoding,
  keys: { text: o.text, article: o.article, category: o.category },
  language: o.language,
  maxChars: o.maxChars,
})
