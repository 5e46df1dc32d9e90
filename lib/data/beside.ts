import { LvmError } from '../errors.js'
import type { Base } from './base.js'
import type { EncoderTag } from './encoder-tag.js'
import { type OpenOptions, openBase } from './open.js'
import { requireSameSpace } from './space.js'

/** The first vectors of a command: an open base, or the data that a run was trained on. */
export interface Beside {
  readonly path: string
  /** Undefined for an imported run, whose training data is unknown. */
  readonly hash: string | undefined
  readonly space: string | undefined
  /** Encoder of the vectors, where a card or a run names it. */
  readonly encoder?: EncoderTag | undefined
  readonly dim: number
  /** Content hash and rows of the data that a run was trained on; unknown for imported runs and those of older versions. */
  readonly content?: Content | undefined
}

/** What tells the same rows in another file. */
interface Content {
  readonly hash: string
  readonly rows: number
  readonly content_hash?: string | null
}

/** The base under the hash of known data where its rows are the same, in another format or with other texts. */
export async function underKnownHash(base: Base, known: Content | undefined): Promise<Base> {
  const content = known?.content_hash
  if (!content || known.rows !== base.rows) return base
  if (known.hash === base.hash) return { ...base, contentHash: async () => content }
  return (await base.contentHash()) === content ? { ...base, hash: known.hash } : base
}

/**
 * Opens the second file of a command and checks that its vectors fit those of the first.
 *
 * With `judged` the vectors are only inputs and targets of a model, so two unknown spaces are accepted.
 * Errors: those of openBase; DATA_SHAPE for another dimension; SPACE_MISMATCH unless both spaces are known and equal.
 */
export async function openBeside(
  first: Beside,
  path: string,
  { judged = false, ...options }: OpenOptions & { judged?: boolean } = {},
): Promise<Base> {
  const base = await underKnownHash(await openBase(path, options), first.content)
  try {
    if (base.dim !== first.dim)
      throw new LvmError(
        'DATA_SHAPE',
        `${base.path}: expected vectors of dimension ${first.dim}, as ${first.path} has, but received ${base.dim}`,
      )
    // An imported run of an unknown encoder has no training vectors, so nothing can be mixed.
    const unknown = first.space === undefined && (first.hash === undefined || (judged && base.space === undefined))
    if (!unknown) requireSameSpace(first, base)
    return base
  } catch (error) {
    base.dispose()
    throw error
  }
}
