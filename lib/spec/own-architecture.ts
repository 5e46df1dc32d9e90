import { LvmError, shown } from '../errors.js'
import type { Fields, Options } from '../options.js'
import {
  type Architecture,
  type Declared,
  architecture as declare,
  isCausal,
  PRESETS,
  type Preset,
  type Shape,
  wrapperFields,
} from './architecture.js'
import { channelsOf, seesLater } from './channels.js'
import { clashIn, whyNotModel, whyNotOption } from './declared-names.js'
import type { Node } from './ops.js'

/** Values of the options of all models, such as `head` and `residual`. */
export type CommonOptions = Options<typeof wrapperFields>

/** An architecture of one's own. */
export interface OwnArchitecture<F extends Fields> {
  /** Name in runs, tables and reports: lower-case letters, digits, `-` and `_`. */
  readonly name: string
  /** Title in tables; the name unless given. */
  readonly title?: string
  /** One line about it. */
  readonly about?: string
  /** Time in the length of a context, such as O(n). */
  readonly complexity?: string
  /** Whether no position sees later ones; the options `objective: 'sequence'` and steppers need it. */
  readonly causal: boolean
  /** Options of its own, as integer(), real(), choice(), flag() and text() declare them. */
  readonly fields?: F
  /** Sets of options by name. */
  readonly presets?: Partial<Record<Preset, Partial<Options<F> & CommonOptions>>>
  /** Default of the option `inputScale`; `sqrt_dim` unless given. */
  readonly inputScale?: 'none' | 'sqrt_dim'
  /** Options of `train` whose defaults differ for it. */
  readonly training?: Readonly<Record<string, unknown>>
  /** Sentence for options that do not fit together; undefined when they do. */
  readonly rule?: (o: Options<F> & Shape) => string | undefined
  /** Channels that the trunk writes. */
  readonly width: (o: Options<F>) => number
  /** The ops between the input of `dim` channels and the output layer. */
  readonly trunk: (o: Options<F> & CommonOptions & Shape) => Node
}

const bad = (message: string, hint: string) => new LvmError('BAD_SPEC', `architecture: ${message}`, { hint })

/** Calls a function of the user. Errors: BAD_SPEC when it throws. */
function called<T>(name: string, what: string, f: () => T): T {
  try {
    return f()
  } catch (cause) {
    if (cause instanceof LvmError) throw cause
    throw new LvmError('BAD_SPEC', `${name}: expected "${what}" to return but it threw ${shown(String(cause))}`, {
      hint: `correct "${what}" of this architecture`,
      cause,
    })
  }
}

function requireParts({ name, causal, width, trunk, fields = {}, presets = {} }: OwnArchitecture<Fields>): void {
  const wrong = whyNotModel(name)
  if (wrong !== undefined) throw bad(`expected ${wrong} for "name" but received ${shown(name)}`, 'choose a name such as my-model')
  if (typeof causal !== 'boolean')
    throw bad(`expected true or false for "causal" but received ${shown(causal)}`, 'say whether no position sees later ones')
  for (const [key, value] of Object.entries({ width, trunk }))
    if (typeof value !== 'function')
      throw bad(`expected a function for "${key}" but received ${shown(value)}`, `give ${key}: (options) => …`)
  for (const [key, field] of Object.entries(fields)) {
    if (Object.hasOwn(wrapperFields, key))
      throw bad(`expected another name for the option "${key}", which every model has`, 'rename it')
    const strange = whyNotOption(key)
    if (strange !== undefined) throw bad(`expected ${strange} for an option but received ${shown(key)}`, 'rename the option')
    if (typeof field?.accepts !== 'function')
      throw bad(
        `expected a field for the option "${key}" but received ${shown(field)}`,
        'make it with integer(), real(), choice(), flag() or text()',
      )
  }
  const unknown = Object.keys(presets).find((key) => !PRESETS.some((preset) => preset === key))
  if (unknown !== undefined)
    throw bad(`expected presets among ${PRESETS.join(', ')} but received ${shown(unknown)}`, 'rename the preset')
}

/** Puts options without a heading under that of the options of all models. */
const grouped = <F extends Fields>(fields: F): F =>
  Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, { group: 'Model', ...field }])) as unknown as F

/**
 * Declares an architecture of one's own: its options and the ops between input and output layer; `train` takes it as `model`.
 *
 * Errors: BAD_SPEC here for a missing part, and in `train` for ops that do not fit together.
 */
export function architecture<const F extends Fields = Record<never, never>>(own: OwnArchitecture<F>): Declared<F> {
  if (typeof own !== 'object' || own === null)
    throw bad(`expected an object but received ${shown(own)}`, 'give { name, causal, width, trunk }')
  requireParts(own as unknown as OwnArchitecture<Fields>)
  const { name, presets = {} } = own
  const made = declare<F>({
    title: name,
    about: 'an architecture of one’s own',
    complexity: 'not given',
    inputScale: 'sqrt_dim',
    ...own,
    row: null,
    target: null,
    folder: name,
    sources: ['own'],
    fields: grouped(own.fields ?? ({} as F)),
    presets: { target: {}, tiny: {}, prd: {}, checkpoint: {}, ...presets },
    width: (o) => called(name, 'width', () => own.width(o)),
    ...(own.rule && { rule: (o: Options<F> & Shape) => called(name, 'rule', () => own.rule!(o)) }),
    trunk: (o) => checkedTrunk(name, own, o),
  })
  const architecture: Architecture = made
  return {
    ...made,
    spec(shape, given) {
      const built = made.spec(shape, given)
      const clash = clashIn(built.node)
      if (clash !== undefined)
        throw new LvmError('BAD_SPEC', `${name}: expected ${clash}`, {
          hint: "give each op with parameters a name of its own, as in named('up', linear(…)), or share parameters with tied(); every model has head, input and residual",
        })
      if (isCausal(architecture, built.options) && seesLater(built.node.of[0]!))
        throw new LvmError('BAD_SPEC', `${name}: expected ops that see no later position, because "causal" is true`, {
          hint: 'set causal: false, or give attention and favor causal: true and leave flatten and linformer out',
        })
      return built
    },
  }
}

/** Builds the trunk and checks the channels between its ops. Errors: BAD_SPEC. */
function checkedTrunk<F extends Fields>(name: string, own: OwnArchitecture<F>, o: Options<F> & CommonOptions & Shape): Node {
  const node = called(name, 'trunk', () => own.trunk(o))
  const [written, width] = [channelsOf(name, node, o.dim), called(name, 'width', () => own.width(o))]
  if (written === width) return node
  throw new LvmError(
    'BAD_SPEC',
    `${name}: expected ${width} channels from the trunk, as "width" says, but it writes ${written}`,
    {
      hint: 'return from "width" the channels of the last op',
    },
  )
}
