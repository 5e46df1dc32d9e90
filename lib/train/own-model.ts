import { architectures, findArchitecture } from '../architectures/index.js'
import { requireOwnName } from '../architectures/own.js'
import { architectureOf } from '../architectures/recorded.js'
import { readManifest } from '../checkpoint/manifest.js'
import { isRun, runFolder } from '../checkpoint/run-folder.js'
import type { RunManifest } from '../checkpoint/run-manifest.js'
import { badOption, LvmError } from '../errors.js'
import { jsonHash } from '../files/hash.js'
import type { Architecture } from '../spec/architecture.js'
import type { Node } from '../spec/ops.js'
import { trainFields } from './train-fields.js'

/** Errors: BAD_SPEC for the name of a model of this package, or an option that `train` has already. */
export function requireOwn(own: Architecture): Architecture {
  if (architectures.includes(own)) return own
  requireOwnName(own)
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
