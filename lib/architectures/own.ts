import { type Check, word } from '../door.js'
import { LvmError } from '../errors.js'
import type { Architecture } from '../spec/architecture.js'
import { whyNotModel } from '../spec/declared-names.js'
import { architectures } from './index.js'

/** Whether a value is what architecture() returns, also that of another copy of this package. */
export function isArchitecture(value: unknown): value is Architecture {
  if (typeof value !== 'object' || value === null) return false
  if (architectures.some((known) => known === value)) return true
  const { name, folder, fields, presets, spec } = value as Partial<Architecture>
  return whyNotModel(name) === undefined && folder === name && typeof spec === 'function' && Boolean(fields && presets)
}
/** A model by name, or an architecture of the caller. */
export const nameOrArchitecture: Check = {
  expected: 'the name of a model, or what architecture() of lvm-torch/spec returns,',
  accepts: (value) => word.accepts(value) || isArchitecture(value),
}

/** Errors: BAD_SPEC for the name of a model of this package. */
export function requireOwnName(own: Architecture): Architecture {
  const used = architectures.find((known) => known !== own && (known.name === own.name || known.folder === own.name))
  if (used === undefined) return own
  throw new LvmError('BAD_SPEC', `${own.name}: expected a name that no model of this package has`, {
    hint: `choose another name, such as my-${own.name}`,
  })
}
