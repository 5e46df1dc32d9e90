import { PRESETS, type Preset } from '../spec/architecture.js'
import { countParameters } from '../spec/count.js'
import { architectures } from './index.js'

/** A head or an input scale changes the parameters of a preset by no more than this share. */
const SAME = 0.02
/** The most by which a run of the size that its row is about differs from the preset `target`, as a share. */
const NEAR = 0.1

/** How large a run is beside the presets of its model, at its own dimension and context. */
export interface Size {
  /** The preset of that size; null where it is of none. */
  readonly preset: Preset | null
  /** Whether it is about as large as `target`. */
  readonly fits: boolean
}

/** The size of a run of a model. */
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
