import { LvmError, shown } from '../errors.js'
import type { Given } from '../options.js'
import { nearestWord } from '../show.js'
import type { Architecture } from '../spec/architecture.js'
import * as byName from './by-name.js'

/** The names of the architectures. */
export type ModelName = keyof typeof byName
/** The options of one model, beside those of its training. */
export type OwnOptions<M extends ModelName> = Given<(typeof byName)[M]['fields']>

const place = ({ row }: Architecture) => row ?? Number.POSITIVE_INFINITY
/** All architectures, in the order of the comparison table. */
export const architectures: readonly Architecture[] = Object.values(byName).sort((a, b) => place(a) - place(b))

/** Finds an architecture by name; `hint` is for a name that resembles none. Errors: BAD_OPTION, with the known names. */
export function findArchitecture(name: string, hint = 'run: lvm-torch models'): Architecture {
  const found = architectures.find((a) => a.name === name)
  if (found !== undefined) return found
  const known = architectures.map((a) => a.name)
  const meant = nearestWord(name, known)
  throw new LvmError('BAD_OPTION', `models: expected one of ${known.join(', ')} for "model" but received ${shown(name)}`, {
    hint: meant === undefined ? hint : `did you mean ${meant}?`,
  })
}
