import { badOption, LvmError } from '../errors.js'
import { choice, type Fields, type Options, resolve } from '../options.js'
import { activation, chain, layerNorm, linear, type Node, named, predictor } from './ops.js'

/** The options that every architecture has, because the wrapper around its trunk is the same. */
export const wrapperFields = {
  head: choice(['linear', 'mlp'], {
    default: 'linear',
    about: 'read-out of the last position: one product, or two with GELU and norm',
    group: 'Model',
  }),
  output: choice(['raw', 'unit'], {
    default: 'raw',
    about: 'what the loss is taken on: the raw head output or the normalised prediction',
    group: 'Model',
  }),
  residual: choice(['none', 'last', 'mean', 'decay'], {
    default: 'none',
    about: 'predict a change from the last vector, the mean of the context, or its mean with a learned decay',
    group: 'Model',
  }),
  inputScale: choice(['none', 'sqrt_dim', 'standardize'], {
    default: 'none',
    about:
      'scale of the inputs: as they are, times √dim, or centred and scaled on the training set; sqrt_dim for all models but lstm, gru and transformer',
    group: 'Model',
  }),
} as const

/** The sizes that come from the data. Units: vectors. */
export interface Shape {
  readonly dim: number
  readonly context: number
}
export const PRESETS = ['target', 'tiny', 'prd', 'checkpoint'] as const
export type Preset = (typeof PRESETS)[number]

/** Everything lvm-torch knows of one architecture; the matrix, the CLI, the tests and the docs are made from it. */
export interface Architecture {
  readonly name: string
  /** Row in the PRD's matrix; null for one outside it. */
  readonly row: number | null
  readonly folder: string
  readonly title: string
  readonly about: string
  /** The PRD's parameter count; null outside the matrix. */
  readonly target: number | null
  readonly complexity: string
  readonly causal: boolean
  /** How far vectors of the future may move earlier outputs of unit length through a causal model; 0 unless given. */
  readonly leak?: number
  /** Reads contexts of one length only: the one it is built for. */
  readonly fixedContext?: true
  readonly sources: readonly string[]
  readonly fields: Fields
  /**
   * Default of the option of that name.
   *
   * Components of unit vectors are about 1/√dim, too small beside positions and norms; `none` keeps the scale of the PRD's code.
   */
  readonly inputScale: 'none' | 'sqrt_dim'
  /**
   * Train options whose defaults differ for this architecture.
   *
   * Adam's eps is 1e-10 where gradients are 1e-8 to 1e-5, because 1e-8 is not small beside them.
   */
  readonly training?: Readonly<Record<string, unknown>>
  readonly presets: Readonly<Record<Preset, Readonly<Record<string, unknown>>>>
  /** The options in full, and the tree they describe. Errors: BAD_OPTION, BAD_SPEC. */
  spec(shape: Shape, given?: Readonly<Record<string, unknown>>): { options: Readonly<Record<string, unknown>>; node: Node }
}

/** Whether no position of a model sees those after it: where its architecture has a flag `causal` of its own, that decides. */
export const isCausal = ({ causal }: Architecture, options: Readonly<Record<string, unknown>>): boolean =>
  causal && options.causal !== false

type Wrapper = Options<typeof wrapperFields>

/** Declares an architecture: its own options, their presets, and the trunk between input and head. */
export function architecture<F extends Fields>(
  a: Omit<Architecture, 'fields' | 'presets' | 'spec'> & {
    fields: F
    presets: Record<Preset, Partial<Options<F> & Wrapper>>
    /** A sentence when the options do not fit together. */
    rule?: (o: Options<F> & Shape) => string | undefined
    /** Width of the trunk's output. */
    width: (o: Options<F>) => number
    trunk: (o: Options<F> & Shape) => Node
  },
): Architecture {
  const inputScale = { ...wrapperFields.inputScale, default: a.inputScale }
  const fields = { ...a.fields, ...wrapperFields, inputScale }
  return {
    ...a,
    fields,
    spec({ dim, context }, given = {}) {
      if (!Number.isInteger(dim) || dim < 1) throw badOption(a.name, 'dim', 'an integer ≥ 1', dim)
      const options = resolve(a.name, fields, given) as Options<F> & Wrapper
      const shaped = { ...options, dim, context }
      const broken = a.rule?.(shaped)
      if (broken !== undefined) throw new LvmError('BAD_SPEC', `${a.name}: ${broken}`)
      const { output, residual, inputScale } = options
      const node = predictor({ dim, output, residual, inputScale }, a.trunk(shaped), head(a.width(options), dim, options))
      return { options, node }
    },
  }
}

/** The read-out. With a residual it starts at zero, so that an untrained model predicts the context it is anchored to. */
function head(width: number, dim: number, { head, residual }: Wrapper): Node {
  const last = linear({ in: width, out: dim, init: residual === 'none' ? 'default' : 'zeros' })
  if (head === 'linear') return named('head', last)
  return named(
    'head',
    chain(named('0', linear({ in: width, out: width })), activation('gelu'), named('2', layerNorm(width)), named('3', last)),
  )
}
