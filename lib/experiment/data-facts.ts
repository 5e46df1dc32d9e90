import { layoutOf } from '../data/keys.js'
import { baseFiles } from '../data/locate.js'
import { hashOf } from '../data/shards.js'
import { readSide } from '../data/side-file.js'
import { runLengths } from '../data/windows.js'
import { badOption, LvmError } from '../errors.js'
import { openArrays } from '../files/arrays.js'
import { DEFAULT_LIMITS } from '../files/limits.js'
import { extremes } from '../statistics/extremes.js'
import { contextLengths, requireLengths } from '../train/context-lengths.js'
import { plan as planTraining } from '../train/recipe.js'
import { architectureNamed, type OwnModel } from './plan-models.js'
import type { Spaces, Suggestion } from './search-space.js'
import { drawsOf, drawUniform } from './suggest.js'

/** What decides which trainings the data allows. */
export interface DataFacts {
  readonly hash: string
  readonly dim: number
  readonly kind: 'base' | 'sequences'
  /** Vectors of the longest context that the data allows. */
  readonly most: number
}

/** Reads facts of the data without libtorch. Errors: FILE_MISSING, DATA_FORMAT, DATA_SHAPE. */
export async function dataFacts(path: string): Promise<DataFacts> {
  const files = await baseFiles(path)
  const { kind, dim, rows, context } = layoutOf(await openArrays(files.vectors, DEFAULT_LIMITS), undefined, files.array)
  if (kind === 'sequences') return { hash: await hashOf([files.vectors]), dim, kind, most: context! }
  if (files.side === undefined) return { hash: await hashOf([files.vectors]), dim, kind, most: rows - 1 }
  const { articles, positions } = await readSide(files.side, rows)
  const longest = extremes(runLengths({ rows, ...(articles && { articles }), ...(positions && { positions }) })).most
  return { hash: await hashOf([files.vectors, files.side]), dim, kind, most: longest - 1 }
}

/** Why a configuration is refused by `train`; undefined when it is accepted. */
export function refusal({ model, options }: Suggestion, facts: DataFacts, own: readonly OwnModel[] = []): LvmError | undefined {
  try {
    const { architecture, train, model: settings } = planTraining(architectureNamed(model, own), options)
    const { least, longest } = contextLengths(train, facts)
    const { node } = architecture.spec({ dim: facts.dim, context: longest }, settings)
    requireLengths(model, node, least)
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
export function checkCombinations(spaces: Spaces, facts: DataFacts, own: readonly OwnModel[] = []): string[] {
  return Object.entries(spaces).flatMap(([model, space]) => {
    const draw = drawsOf(0, 0)
    const refused = Array.from({ length: SAMPLE }, () => refusal(drawUniform({ [model]: space }, draw), facts, own)).filter(
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
