import { LvmError, shown } from '../errors.js'
import { type Field, type Fields, flag, real, text } from '../options.js'
import { type Architecture, wrapperFields } from '../spec/architecture.js'
import type { Node } from '../spec/ops.js'
import { architectures, findArchitecture } from './index.js'

/** Facts about an architecture of one's own that its runs carry, so that they need no file. */
export interface OwnFacts {
  readonly title: string
  readonly about: string
  readonly complexity: string
  readonly causal: boolean
  readonly inputScale: 'none' | 'sqrt_dim'
}
/** The part of a manifest that describes the model. */
export interface Recorded {
  readonly model: string
  readonly folder: string
  readonly spec: Node
  readonly dim: number
  readonly context: number
  readonly options: { readonly model: Readonly<Record<string, unknown>> }
  readonly architecture?: OwnFacts
}

/** Facts for the manifest; undefined for an architecture of this package. */
export function ownFacts(a: Architecture): OwnFacts | undefined {
  if (architectures.includes(a)) return undefined
  const { title, about, complexity, causal, inputScale } = a
  return { title, about, complexity, causal, inputScale }
}

/** An option whose only known value is that of a run. */
function fieldOf(value: unknown): Field<unknown> {
  const about = 'option of an architecture of one’s own'
  if (typeof value === 'number') return real({ default: value, min: -Infinity, about })
  if (typeof value === 'boolean') return flag({ default: value, about })
  return text({ default: String(value), about, empty: true })
}

/** Returns the architecture of a run: that of this package, or the one that the run carries. Errors: BAD_OPTION for an unknown name. */
export function architectureOf({ model, folder, spec, dim, context, options, architecture }: Recorded): Architecture {
  if (architecture === undefined) return findArchitecture(model)
  const own = Object.entries(options.model).filter(([key]) => !Object.hasOwn(wrapperFields, key))
  const fields: Fields = { ...wrapperFields, ...Object.fromEntries(own.map(([key, value]) => [key, fieldOf(value)])) }
  return {
    ...architecture,
    name: model,
    row: null,
    target: null,
    folder,
    sources: ['own'],
    fields,
    presets: { target: {}, tiny: {}, prd: {}, checkpoint: {} },
    spec(shape, given = {}) {
      const changed = Object.keys(given).find((key) => given[key] !== options.model[key])
      if (shape.dim === dim && shape.context === context && changed === undefined) return { options: options.model, node: spec }
      const what = changed === undefined ? `dim ${dim} and context ${context}` : `${changed} ${shown(options.model[changed])}`
      throw new LvmError('BAD_OPTION', `${model}: expected ${what}, as in its run, which carries only this model`, {
        hint: 'give its file with --model-file',
      })
    },
  }
}
