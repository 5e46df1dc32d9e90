import { PRESETS, type Preset } from '../spec/architecture.js'
import { countParameters } from '../spec/count.js'
import { architectures } from './index.js'

/** Relative difference in parameters below which a run has the size of a preset; a head changes less. */
const SAME = 0.02
/** Relative difference in parameters below which a run counts for its row of the matrix. */
const NEAR = 0.1

/** Size of a run compared with the presets of its model, at the run's dimension and context. */
export interface Size {
  /** Preset of the same size; null when none has it. */
  readonly preset: Preset | null
  /** Whether it is within 10 % of the preset `target`. */
  readonly fits: boolean
}

/** Compares a run's parameters with the presets of its model. */
export function sizeOf(
  model: string,
  { dim, context, parameters }: { readonly dim: number; readonly context: number; readonly parameters: number },
): Size {
  const architecture = architectures.find(({ name }) => name === model)
  if (architecture === undefined) return { preset: null, fits: false }
  const off = (preset: Preset) => {
    const expected = countParameters(architecture.spec({ dim, context }, architecture.presets[preset]).node)
    return Math.abs(parameters - expected) / expected
  }
  return { preset: PRESETS.find((preset) => off(preset) <= SAME) ?? null, fits: off('target') <= NEAR }
}
