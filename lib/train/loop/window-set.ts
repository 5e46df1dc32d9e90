import { longDoor } from '../../control.js'
import type { Base } from '../../data/base.js'
import type { Data } from '../../data/given-data.js'
import { mainData } from '../../data/given-data.js'
import { openBase } from '../../data/open.js'
import { type Split, splitWindows } from '../../data/split.js'
import { makeWindows, type Windows } from '../../data/windows.js'
import { optional, withFields, word, yesOrNo } from '../../door.js'
import { badOption } from '../../errors.js'
import { choice, type Given, integer, type Options, real, resolve } from '../../options.js'
import { permutation } from '../../statistics/random.js'
import { optionsOf } from '../../torch/lists.js'
import { Tensor } from '../../torch/tensor.js'

export const windowFields = {
  context: integer({ default: 5, min: 1, max: 65536, about: 'vectors in a context' }),
  split: choice(['articles', 'windows'], {
    default: 'articles',
    about: 'validation windows: a tenth of the articles, or of all windows (leaky)',
  }),
  test: real({ default: 0, min: 0, max: 0.89, about: 'fraction of the articles that neither training nor validation sees' }),
  seed: integer({ default: 0, min: 0, about: 'seed of the split and of the order of batches' }),
} as const
/** Options of `openWindows`. */
export interface WindowOptions extends Given<typeof windowFields> {
  /** Encoder of the vectors. */
  readonly space?: string
  /** Divide each vector by its length. */
  readonly normalize?: boolean
}
/** A batch of windows. Shapes: x [n, context, dim], y [n, dim]. */
export interface Batch {
  readonly x: Tensor
  readonly y: Tensor
}
export interface BatchOptions {
  /** Windows in a batch; the last one may have fewer. */
  readonly size?: number
  /** Draw the windows in a new order each time, which is the default for training windows. */
  readonly shuffle?: boolean
}

/** The windows of one part of the data: training, validation or test. */
export class WindowPart {
  #epoch = 0
  constructor(
    private readonly set: {
      readonly vectors: Tensor
      readonly targets: Tensor
      readonly windows: Windows
      readonly seed: number
    },
    private readonly ids: Int32Array,
    private readonly shuffles: boolean,
  ) {}
  /** Number of windows. */
  get count(): number {
    return this.ids.length
  }
  /** Yields all windows once, in batches. */
  *batches(options: BatchOptions = {}): Generator<Batch, void, void> {
    const { size = 32, shuffle = this.shuffles } = optionsOf('batches', ['size', 'shuffle'], options) as BatchOptions
    if (!Number.isSafeInteger(size) || size < 1) throw badOption('batches', 'size', 'an integer ≥ 1', size)
    const { seed } = this.set
    const order = shuffle ? permutation(this.ids.length, seed + 1 + this.#epoch++).map((i) => this.ids[i]!) : this.ids
    for (let at = 0; at < order.length; at += size) yield this.batch(order.subarray(at, at + size))
  }
  /** All windows as one batch. */
  all(): Batch {
    return this.batch(this.ids)
  }
  private batch(ids: Int32Array): Batch {
    const { vectors, targets, windows } = this.set
    const { context, dim, first, target } = windows
    const rows = new BigInt64Array(ids.length * context)
    ids.forEach((id, i) => {
      for (let t = 0; t < context; t++) rows[i * context + t] = BigInt(first[id]! + t)
    })
    using inside = Tensor.from(rows)
    using next = Tensor.from(BigInt64Array.from(ids, (id) => BigInt(target[id]!)))
    using flat = vectors.indexSelect(0, inside)
    return { x: flat.reshape([ids.length, context, dim]), y: targets.indexSelect(0, next) }
  }
}

/** Windows over a base of vectors, split as the trainer splits them. */
export class WindowSet {
  readonly train: WindowPart
  readonly val: WindowPart
  /** Absent without `test`. */
  readonly test?: WindowPart
  readonly dim: number
  readonly context: number
  constructor(
    readonly base: Base,
    readonly windows: Windows,
    readonly split: Split,
    private readonly tables: { readonly vectors: Tensor; readonly targets: Tensor },
    seed: number,
  ) {
    this.dim = windows.dim
    this.context = windows.context
    const set = { ...tables, windows, seed }
    this.train = new WindowPart(set, split.train, true)
    this.val = new WindowPart(set, split.val, false)
    if (split.test !== undefined) this.test = new WindowPart(set, split.test, false)
  }
  dispose(): void {
    for (const table of Object.values(this.tables)) table.dispose()
    this.base.dispose()
  }
  [Symbol.dispose](): void {
    this.dispose()
  }
}

/**
 * Opens data as contexts and next vectors, in the parts that `train` would make of it with the same seed.
 *
 * Errors: those of openBase; BAD_OPTION; DATA_ONE_ARTICLE; DATA_TOO_FEW; INTERRUPTED.
 */
export const openWindows = longDoor(
  'openWindows',
  { data: mainData, options: withFields({ space: optional(word), normalize: optional(yesOrNo) }) },
  async (data: Data, options: WindowOptions = {}): Promise<WindowSet> => {
    const { space, normalize, ...given } = options
    const o: Options<typeof windowFields> = resolve('openWindows', windowFields, given)
    const base = await openBase(data, { ...(space !== undefined && { space }), ...(normalize !== undefined && { normalize }) })
    try {
      const windows = makeWindows(base, o.context, { cross: o.split === 'windows' })
      const split = splitWindows(windows, base, { mode: o.split, seed: o.seed, test: o.test })
      const vectors = await base.vectors.to({ dtype: 'float32' }).ready()
      const targets = base.targets === undefined ? vectors : await base.targets.to({ dtype: 'float32' }).ready()
      return new WindowSet(base, windows, split, { vectors, targets }, o.seed)
    } catch (error) {
      base.dispose()
      throw error
    }
  },
)
