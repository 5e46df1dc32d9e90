import { architectures, findArchitecture } from '../architectures/index.js'
import { architectureOf } from '../architectures/recorded.js'
import { readManifest } from '../checkpoint/manifest.js'
import { isRun, runFolder } from '../checkpoint/run-folder.js'
import type { RunManifest } from '../checkpoint/run-manifest.js'
import { type Check, word } from '../door.js'
import { badOption, LvmError } from '../errors.js'
import { jsonHash } from '../files/hash.js'
import type { Architecture } from '../spec/architecture.js'
import { whyNotModel } from '../spec/declared-names.js'
import type { Node } from '../spec/ops.js'
import { trainFields } from './train-fields.js'

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

/** Errors: BAD_SPEC for the name of a model of this package, or an option that `train` has already. */
export function requireOwn(own: Architecture): Architecture {
  if (architectures.includes(own)) return own
  const used = architectures.find(({ name, folder }) => name === own.name || folder === own.name)
  if (used !== undefined)
    throw new LvmError('BAD_SPEC', `${own.name}: expected a name that no model of this package has`, {
      hint: `choose another name, such as my-${own.name}`,
    })
  const key = Object.keys(own.fields).find((key) => Object.hasOwn(trainFields, key))
  if (key !== undefined)
    throw new LvmError('BAD_SPEC', `${own.name}: expected another name for the option "${key}", which train has already`, {
      hint: 'rename the option',
    })
  return own
}

/**
 * Returns the architecture of a training; a resumed run of one's own architecture needs only its name.
 *
 * Errors: BAD_OPTION for an unknown name; BAD_SPEC.
 */
export async function givenArchitecture(
  model: string | Architecture,
  { resume, name, out }: Readonly<Record<string, unknown>>,
): Promise<Architecture> {
  if (typeof model !== 'string') return requireOwn(model)
  if (resume === true && architectures.every((known) => known.name !== model)) {
    const folder = runFolder(String(name ?? model), out === undefined ? undefined : String(out))
    const manifest = (await isRun(folder)) ? ((await readManifest(folder)).manifest as RunManifest) : undefined
    if (manifest?.architecture !== undefined && manifest.model === model) return architectureOf(manifest)
  }
  return findArchitecture(model, 'run: lvm-torch models; for an architecture of your own give its file with --model-file')
}

/** Errors: BAD_OPTION for an architecture that has changed since its run was started. */
export function requireSameSpec({ name }: Architecture, spec: Node, run: RunManifest | undefined): void {
  if (run === undefined || jsonHash(spec) === run.spec_hash) return
  const hint =
    'leave the declaration out and give the name of the model, because the run carries it; or start another run with --name'
  throw badOption('train', 'model', `${name} as the run was started`, 'an architecture with other ops', hint)
}
