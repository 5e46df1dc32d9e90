import { architectures } from '../architectures/index.js'
import { layoutOf } from '../data/keys.js'
import { locateBase } from '../data/locate.js'
import { hashOf } from '../data/open.js'
import { badOption, LvmError } from '../errors.js'
import { openArrays } from '../files/arrays.js'
import { DEFAULT_LIMITS } from '../files/limits.js'
import { plan as planTraining } from '../train/recipe.js'
import type { Spaces, Suggestion } from './search-space.js'
import { drawsOf, drawUniform } from './suggest.js'

/** Hash and dimension of the data, read without libtorch. Errors: FILE_MISSING, DATA_FORMAT, DATA_SHAPE. */
export async function dataFacts(path: string): Promise<{ hash: string; dim: number }> {
  const files = locateBase(path)
  const layout = layoutOf(await openArrays(files.vectors, DEFAULT_LIMITS))
  const side = layout.kind === 'base' && files.side !== undefined ? [files.side] : []
  return { hash: await hashOf([files.vectors, ...side]), dim: layout.dim }
}

/** Why a configuration is refused by `train`; undefined when it is accepted. */
export function refusal({ model, options }: Suggestion, dim: number): LvmError | undefined {
  try {
    const { train, model: own } = planTraining(model, options)
    architectures.find(({ name }) => name === model)!.spec({ dim, context: train.context }, own)
    return undefined
  } catch (error) {
    if (error instanceof LvmError) return error
    throw error
  }
}

/** Configurations of each model that are tried before anything is trained. */
const SAMPLE = 200

/**
 * Tries combinations of every model; returns a warning for a model of which some are refused.
 *
 * Errors: BAD_OPTION for a model of which all combinations are refused.
 */
export function checkCombinations(spaces: Spaces, dim: number): string[] {
  return Object.entries(spaces).flatMap(([model, space]) => {
    const draw = drawsOf(0, 0)
    const refused = Array.from({ length: SAMPLE }, () => refusal(drawUniform({ [model]: space }, draw), dim)).filter(
      (error) => error !== undefined,
    )
    if (refused.length === SAMPLE) {
      const hint = refused[0]!.commandHint
      throw badOption('experiment', `models.${model}`, 'options that can be trained together', refused[0]!.message, hint)
    }
    if (refused.length === 0) return []
    return [`${model}: ${Math.round((100 * refused.length) / SAMPLE)} % of the combinations are skipped: ${refused[0]!.message}`]
  })
}
