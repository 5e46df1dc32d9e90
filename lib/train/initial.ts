import type { NativeModel } from '../native.js'
import type { Node } from '../spec/ops.js'
import { asOurs, type Ours } from '../weights/as-ours.js'
import { openWeights, weightsHash } from '../weights/open-weights.js'
import { misfit, type Placed, place, scaleInput } from '../weights/place-weights.js'
import type { Plan } from './recipe.js'

/** Initial weights of a training. */
export interface Initial {
  readonly path: string
  readonly sha256: string
  readonly ours: Ours
  readonly warnings: readonly string[]
}

/** Opens the weights of `--init`, if it is given. Errors: FILE_MISSING, DATA_FORMAT, DATA_UNSAFE, BAD_CHECKPOINT. */
export async function openInitial({ architecture, train }: Plan): Promise<Initial | undefined> {
  if (train.init === undefined) return undefined
  const file = await openWeights(train.init, train.out)
  const ours = asOurs(architecture, file)
  return { path: file.path, sha256: await weightsHash(file), ours, warnings: file.warnings }
}

/** Copies the initial weights into a new model, for all layers it has. Errors: BAD_CHECKPOINT. */
export async function initialise(
  model: NativeModel,
  spec: Node,
  { path, ours, warnings }: Initial,
  { architecture, model: options }: Plan,
  context: number,
): Promise<{ placed: Placed; warnings: readonly string[] }> {
  const dim = spec.params.dim as number
  const { fit, warnings: unlike } = misfit(architecture, { dim, context }, options, ours)
  const hint = fit === '' ? 'see the names with: lvm-torch models show NAME' : `they were made with ${fit}`
  const placed = await place(model, ours, { path, layerwise: true, hint })
  if (ours.tokens !== undefined && placed.new.includes('in_proj.weight'))
    await scaleInput(model, ours.tokens, { dim, inputScale: spec.params.inputScale })
  return { placed, warnings: [...warnings, ...unlike] }
}
