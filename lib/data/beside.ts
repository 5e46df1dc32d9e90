import { LvmError } from '../errors.js'
import type { Base } from './base.js'
import { type OpenOptions, openBase } from './open.js'
import { requireSameSpace } from './space.js'

/** What is known of vectors that others are used beside: those of an open base, or of the data that a run was trained on. */
export interface Beside {
  readonly path: string
  /** Unknown for an imported run: it has no data that other data could be equal to. */
  readonly hash: string | undefined
  readonly space: string | undefined
  readonly dim: number
}

/**
 * Opens a file whose vectors are used beside others; every second file of a command is opened here.
 *
 * `judged`: the vectors are only put before a model, not searched or trained with the others; nothing speaks against two unknown spaces.
 * Errors: those of openBase; DATA_SHAPE for vectors of another dimension; SPACE_MISMATCH unless both spaces are known and equal.
 */
export async function openBeside(
  first: Beside,
  path: string,
  { judged = false, ...options }: OpenOptions & { judged?: boolean } = {},
): Promise<Base> {
  const base = await openBase(path, options)
  try {
    if (base.dim !== first.dim)
      throw new LvmError(
        'DATA_SHAPE',
        `${base.path}: expected vectors of dimension ${first.dim}, as ${first.path} has, but received ${base.dim}`,
      )
    // An imported run of an unknown encoder has no vectors to mix with.
    const unknown = first.space === undefined && (first.hash === undefined || (judged && base.space === undefined))
    if (!unknown) requireSameSpace(first, base)
    return base
  } catch (error) {
    base.dispose()
    throw error
  }
}
