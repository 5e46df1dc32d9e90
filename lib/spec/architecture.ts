import { badOption, LvmError } from '../errors.js'
import { choice, type Fields, integer, type Options, resolve } from '../options.js'
import { activation, chain, layerNorm, linear, memoryInput, memoryMixture, type Node, named, predictor } from './ops.js'

/** Options of all architectures: they share the wrapper around their trunks. */
export const wrapperFields = {
  head: choice(['linear', 'mlp'], {
    default: 'linear',
    about: 'output layer: one linear layer, or two with GELU and layer norm between',
    group: 'Model',
  }),
  output: choice(['raw', 'unit'], {
    default: 'raw',
    about: 'input of the loss: the raw output of the head, or the prediction scaled to length 1',
    group: 'Model',
  }),
  residual: choice(['none', 'last', 'mean', 'decay', 'memory'], {
    default: 'none',
    about:
      'vector of the context to which the output is added: none, the last, the mean, the mean with a learned decay, or a mixture of exponential means whose weights the model sets at each position',
    group: 'Model',
  }),
  input: choice(['none', 'memory'], {
    default: 'none',
    about: 'inputs beside the vector of each position: none, or exponential means of all vectors so far',
    group: 'Model',
  }),
  memories: integer({
    default: undefined,
    min: 1,
    max: 64,
    about: 'number of exponential means; 6 unless given; only with "residual" memory or "input" memory',
    group: 'Model',
  }),
  inputScale: choice(['none', 'sqrt_dim', 'standardize', 'whiten'], {
    default: 'none',
    about:
      'scaling of the inputs: none, multiplied by √dim, standardised with the mean and deviation of the training set, or whitened with its mean and covariance; sqrt_dim for all models but lstm, gru and transformer',
    group: 'Model',
  }),
} as const

/** Dimension and context length of the data. */
export interface Shape {
  readonly dim: number
  readonly context: number
}
export const PRESETS = ['target', 'tiny', 'prd', 'checkpoint'] as const
export type Preset = (typeof PRESETS)[number]

/** Description of one architecture, from which matrix, CLI, tests and docs are made. */
export interface Architecture {
  readonly name: string
  /** Row of the PRD's matrix; null for a model outside it. */
  readonly row: number | null
  readonly folder: string
  readonly title: string
  readonly about: string
  /** Parameter count in the PRD; null for a model outside its matrix. */
  readonly target: number | null
  readonly complexity: string
  readonly causal: boolean
  /** Largest effect of later vectors on earlier outputs of unit length, in a causal model; 0 unless given. */
  readonly leak?: number
  /**
   * Accepts only contexts of the length it was built for.
   *
   * With `input` memory it reads only the last vector and the means instead: it is causal then and accepts any length.
   */
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
  /** Resolves all options and builds the spec. Errors: BAD_OPTION, BAD_SPEC. */
  spec(shape: Shape, given?: Readonly<Record<string, unknown>>): { options: Readonly<Record<string, unknown>>; node: Node }
}

/** Whether no position of a model sees later ones; an option `causal` of the architecture overrides its default. */
export const isCausal = ({ causal, fixedContext }: Architecture, options: Readonly<Record<string, unknown>>): boolean =>
  (causal || (fixedContext === true && options.input === 'memory')) && options.causal !== false

/** Number of exponential means unless given. */
const MEMORIES = 6

type Wrapper = Options<typeof wrapperFields>
/** An architecture whose own options are known by name. */
export interface Declared<F extends Fields> extends Architecture {
  readonly fields: F & typeof wrapperFields
}

/** Declares an architecture: its options, their presets, and the trunk between input and head. */
export function architecture<F extends Fields>(
  a: Omit<Architecture, 'fields' | 'presets' | 'spec'> & {
    fields: F
    presets: Record<Preset, Partial<Options<F> & Wrapper>>
    /** Error sentence for options that do not fit together. */
    rule?: (o: Options<F> & Shape) => string | undefined
    /** Width of the trunk's output. */
    width: (o: Options<F>) => number
    trunk: (o: Options<F> & Wrapper & Shape) => Node
  },
): Declared<F> {
  const inputScale = { ...wrapperFields.inputScale, default: a.inputScale }
  const fields = { ...a.fields, ...wrapperFields, inputScale }
  return {
    ...a,
    fields,
    spec({ dim, context }, given = {}) {
      if (!Number.isInteger(dim) || dim < 1) throw badOption(a.name, 'dim', 'an integer ≥ 1', dim)
      const options = resolve(a.name, fields, given) as Options<F> & Wrapper
      const { output, residual, input, memories = MEMORIES, inputScale } = options
      if (options.memories !== undefined && residual !== 'memory' && input !== 'memory')
        throw new LvmError('BAD_SPEC', `${a.name}: expected "residual" or "input" memory with "memories" ${memories}`)
      const shaped = { ...options, dim: input === 'memory' ? dim * (1 + memories) : dim, context }
      const broken = a.rule?.(shaped)
      if (broken !== undefined) throw new LvmError('BAD_SPEC', `${a.name}: ${broken}`)
      const trunk = input === 'memory' ? chain(named('input', memoryInput(memories)), a.trunk(shaped)) : a.trunk(shaped)
      const memory = residual === 'memory' ? [named('residual', memoryMixture({ dim, memories, width: a.width(options) }))] : []
      return {
        options,
        node: predictor({ dim, output, residual, inputScale }, trunk, head(a.width(options), dim, options), ...memory),
      }
    },
  }
}

/** The output layer. With a residual it starts at zero, so that an untrained model predicts the vector of its residual. */
function head(width: number, dim: number, { head, residual }: Wrapper): Node {
  const last = linear({ in: width, out: dim, init: residual === 'none' ? 'default' : 'zeros' })
  if (head === 'linear') return named('head', last)
  return named(
    'head',
    chain(named('0', linear({ in: width, out: width })), activation('gelu'), named('2', layerNorm(width)), named('3', last)),
  )
}
