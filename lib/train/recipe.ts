import { findArchitecture } from '../architectures/index.js'
import type { BatchTest, LrTest } from '../checkpoint/tested-settings.js'
import { readFold } from '../data/fold.js'
import type { Reach } from '../data/windows.js'
import { badOption } from '../errors.js'
import { forPrograms } from '../hints.js'
import { type Options, resolve } from '../options.js'
import { kebab } from '../show.js'
import { type Architecture, isCausal } from '../spec/architecture.js'
import { readLog } from './log/loggers.js'
import { trainFields } from './train-fields.js'

type Given = Readonly<Record<string, unknown>>
/** Resolved options; a rate or batch that a test will choose is that of the recipe until then. */
export type TrainSettings = Omit<Options<typeof trainFields>, Tested> & { readonly [key in Tested]: number }
type Tested = 'lr' | 'batchSize'

/** A recipe's batch is halved, down to `vectors`, until an epoch has so many `steps`. */
export const LEAST = { steps: 8, vectors: 128 }

/** A recipe whitens inputs from so many training windows on: with fewer, what they scale up is noise (docs/experiments.md). */
export const FEWEST_WHITENED = 3000

const remembering = {
  train: {
    schedule: 'warmup-cosine',
    ema: 0.998,
    history: 'article',
    objective: 'sequence',
    batchVectors: 512,
    epochs: 4,
    lr: 3e-4,
    select: 'cosine',
  },
  model: { residual: 'memory', input: 'memory', inputScale: 'sqrt_dim', output: 'raw', dropout: 0.3 },
}

/**
 * Sets of defaults.
 *
 * - `prd`: the defaults of the fields, as in the specification.
 * - `strong`: the best cosine on real vectors (docs/experiments.md).
 * - `retrieve`: the most targets found on real vectors.
 * - `small`: `strong` for few windows, where it would end after a few dozen steps.
 * - `lcm`: as in the paper of the Large Concept Model. Its loss is a sum over channels and ours a mean, so eps 1e-5 and clip 25 are
 *   divided by 768.
 */
const RECIPES: Readonly<Record<TrainSettings['recipe'], { train: Given; model: Given }>> = {
  prd: { train: {}, model: {} },
  strong: remembering,
  retrieve: {
    train: { ...remembering.train, loss: 'contrastive', select: 'top10', batchVectors: 4096, ema: 0.9 },
    model: { ...remembering.model, inputScale: 'whiten' },
  },
  small: { ...remembering, train: { ...remembering.train, batchVectors: 128, epochs: 6, lr: 5e-4 } },
  lcm: {
    train: { objective: 'sequence', lr: 4e-4, beta2: 0.95, eps: 1.3e-8, weightDecay: 0.1, clip: 0.033 },
    model: { inputScale: 'standardize' },
  },
}

/** The defaults of a recipe for an architecture; with a context of the user's, or one that crosses articles, it reads no history. */
function recipeOf({ fields }: Architecture, recipe: TrainSettings['recipe'], own: Given): { train: Given; model: Given } {
  const { train, model } = RECIPES[recipe]
  const known = Object.fromEntries(Object.entries(model).filter(([key]) => Object.hasOwn(fields, key)))
  if (train.history === undefined || (own.context === undefined && own.split !== 'windows')) return { train, model: known }
  const { history: _, batchVectors: __, objective: ___, ...rest } = train
  return { train: { ...rest, batchSize: recipe === 'small' ? 32 : 64 }, model: known }
}

/** Options that have an effect only together with another option. */
const NEEDS: readonly { key: string; when: (o: TrainSettings) => boolean; needs: string }[] = [
  { key: 'minHistory', when: (o) => o.history !== undefined, needs: '--history' },
  { key: 'batchVectors', when: (o) => o.history !== undefined, needs: '--history' },
  { key: 'contrastiveWeight', when: (o) => o.loss === 'mse+contrastive', needs: '--loss mse+contrastive' },
  { key: 'negatives', when: (o) => o.loss.endsWith('contrastive'), needs: '--loss contrastive' },
  { key: 'valRetrieval', when: (o) => !o.loss.endsWith('contrastive') && o.select !== 'top10', needs: '--loss mse' },
  { key: 'val', when: (o) => o.split === 'file', needs: '--split file' },
  { key: 'fold', when: (o) => o.split === 'articles', needs: '--split articles' },
  { key: 'splitSeed', when: (o) => o.split !== 'file' || o.test > 0, needs: '--split articles' },
  { key: 'plateauFactor', when: (o) => o.schedule === 'plateau', needs: '--schedule plateau' },
  { key: 'plateauPatience', when: (o) => o.schedule === 'plateau', needs: '--schedule plateau' },
  { key: 'warmup', when: (o) => o.schedule === 'warmup-cosine', needs: '--schedule warmup-cosine' },
]
/** How far back the contexts of a training reach. */
export const reachOf = ({ context, history, minHistory }: Pick<TrainSettings, 'context' | 'history' | 'minHistory'>): Reach =>
  history === undefined ? { context } : { context, history: history === 'article' ? history : Number(history), minHistory }

export interface Plan {
  readonly architecture: Architecture
  readonly train: TrainSettings
  /** Options of the model as given; the architecture supplies the rest. */
  readonly model: Given
  /** Whether `batchVectors` is the recipe's, which is made smaller where an epoch would have too few steps. */
  readonly fitsBatch?: boolean
  /** Whether whitened inputs are the recipe's, which are scaled by √dim on few windows. */
  readonly fitsScale?: boolean
  /** Whether a range test chooses the learning rate. */
  readonly autoLr?: boolean
  /** Whether a test of sizes chooses the batch. */
  readonly autoBatch?: boolean
  /** The tests that chose them. */
  readonly lrTest?: LrTest
  readonly batchTest?: BatchTest
}

/** Resolves options whose learning rate and batch are numbers. */
export const settled = (given: Given): TrainSettings => resolve('train', trainFields, given) as TrainSettings

function divide(architecture: Architecture, given: Given): { train: Given; model: Given } {
  const known = (key: string) => Object.hasOwn(trainFields, key) || Object.hasOwn(architecture.fields, key)
  const unknown = Object.keys(given).find((key) => !known(key))
  if (unknown !== undefined) {
    const names = [...Object.keys(trainFields), ...Object.keys(architecture.fields)].join(', ')
    throw badOption('train', unknown, `a known option (${names})`, given[unknown])
  }
  const of = (wanted: (key: string) => boolean) =>
    Object.fromEntries(Object.entries(given).filter(([key, value]) => value !== undefined && wanted(key)))
  return { train: of((key) => Object.hasOwn(trainFields, key)), model: of((key) => !Object.hasOwn(trainFields, key)) }
}

/** Resolves the given options without recipe and preset, to find the model and the run. Errors: BAD_OPTION. */
export function ask(model: string | Architecture, given: Given) {
  const architecture = typeof model === 'string' ? findArchitecture(model) : model
  const own = divide(architecture, given)
  const asked = resolve('train', trainFields, own.train)
  if (asked.resume && asked.overwrite) throw badOption('train', 'overwrite', 'one of "resume" and "overwrite"', true)
  if (asked.extend !== undefined && !asked.resume)
    throw badOption('train', 'extend', 'no value without "resume", where it has no effect,', asked.extend)
  readLog(asked.log)
  return { architecture, own, asked }
}

/** Errors: BAD_OPTION for a fold that is not i/k, or with a test fraction. */
function requireFold({ fold, test }: TrainSettings): void {
  if (fold === undefined) return
  readFold('train', fold)
  if (test > 0) throw badOption('train', 'test', '0 with "fold", whose part is the test part,', test, 'leave --test out')
}

/** Errors: BAD_OPTION for a given option that has no effect. */
function requireEffects(given: Given, train: TrainSettings): void {
  for (const { key, when, needs } of NEEDS) {
    if (given[key] !== undefined && !when(train))
      throw badOption(
        'train',
        key,
        `no value without ${forPrograms(needs)}, where it has no effect,`,
        given[key],
        `add ${needs}, or leave --${kebab(key)} out`,
      )
  }
}

/** Errors: BAD_OPTION where a batch is whole articles and not a number of windows. */
function requireWindowBatches({ history, objective }: TrainSettings): void {
  if (history === undefined || objective !== 'sequence') return
  const expected = 'a number with "history" and "objective" sequence, where a batch is whole articles,'
  throw badOption('train', 'batchSize', expected, 'auto', 'use --batch-vectors')
}

/**
 * Full settings of a training: given options override the recipe, which overrides preset and defaults.
 *
 * Errors: BAD_OPTION for an unknown option, one out of range, or one without effect.
 */
export function plan(model: string | Architecture, given: Given): Plan {
  const { architecture, own, asked } = ask(model, given)
  const { recipe, preset } = asked
  const chosen = recipeOf(architecture, recipe, own.train)
  const options = { ...architecture.presets[preset], ...chosen.model, ...own.model }
  const fitting = {
    ...(own.train.objective === undefined && !isCausal(architecture, options) && { objective: 'last' }),
    ...(own.train.ema === undefined && { ...architecture.training, ...own.train }.weights === 'bf16' && { ema: 0 }),
  }
  const usual: Given = { ...architecture.training, ...chosen.train, ...fitting }
  const asTyped: Given = { ...usual, ...own.train }
  const autoLr = asTyped.lr === 'auto'
  const autoBatch = asTyped.batchSize === 'auto'
  const recipes = { ...(autoLr && { lr: usual.lr }), ...(autoBatch && { batchSize: usual.batchSize }) }
  const train = settled({ ...asTyped, ...recipes })
  if (autoBatch) requireWindowBatches(train)
  requireEffects(own.train, train)
  requireFold(train)
  if (train.history !== undefined && own.train.context !== undefined)
    throw badOption(
      'train',
      'context',
      'no value with "history", which says how far back contexts reach,',
      own.train.context,
      'leave --context out',
    )
  if (Number(train.history) < train.minHistory)
    throw badOption(
      'train',
      'history',
      `article, or at least the ${train.minHistory} vectors of "minHistory"`,
      train.history,
      'use a smaller --min-history as well',
    )
  if (train.history === 'article' && train.split === 'windows')
    throw badOption(
      'train',
      'history',
      'a number of vectors with "split" windows, where contexts cross articles,',
      train.history,
      'use --history N, or --split articles',
    )
  if (train.objective === 'sequence' && !isCausal(architecture, options))
    throw badOption('train', 'objective', `last, because ${architecture.name} is not causal,`, 'sequence')
  if (train.weights === 'bf16' && train.ema > 0)
    throw badOption('train', 'ema', '0 with "weights" bf16, which is too coarse for a moving average,', train.ema)
  if (train.weights === 'bf16' && own.train.precision === 'bf16')
    throw badOption('train', 'precision', 'no value with "weights" bf16, which computes all products in bf16,', 'bf16')
  const fitsBatch = chosen.train.batchVectors !== undefined && own.train.batchVectors === undefined
  const fitsScale = chosen.model.inputScale === 'whiten' && own.model.inputScale === undefined
  return { architecture, train, model: options, fitsBatch, fitsScale, autoLr, autoBatch }
}
