import type { CommandModule } from 'yargs'
import { architectures } from '../../lib/architectures/index.js'
import { badOption } from '../../lib/errors.js'
import type { TrainOptions } from '../../lib/index.js'
import { integer, resolve } from '../../lib/options.js'
import { kebab, nearestWord } from '../../lib/show.js'
import { trainFields, trainFieldsOf } from '../../lib/train/train-fields.js'
import { flags, given, wrapped } from '../flags.js'

const names = architectures.map(({ name }) => name)
const seedFields = {
  seeds: integer({
    default: 1,
    min: 1,
    about: 'train with N seeds, from 1 or --seed on, and print mean and standard deviation',
    group: 'Run',
  }),
  folds: integer({
    default: undefined,
    min: 2,
    max: 9999,
    about: 'train k times (NAME-fold1ofk, …), so that each article is held out once; then: evaluate NAME --folds',
    group: 'Run',
  }),
}
const valued = new Set(
  Object.entries({ ...trainFields, ...seedFields }).flatMap(([k, f]) => (f.kind === 'flag' ? [] : [`--${kebab(k)}`])),
)

/** Returns the model on a command line. Its options are part of the help, so it must be known before parsing. */
export function modelOn(words: readonly string[]) {
  const bare = words.map((word, i) => ({ word, after: words[i - 1] ?? '' })).filter(({ word }) => !word.startsWith('-'))
  const model = bare.flatMap(({ word, after }) => (valued.has(after) ? [] : architectures.filter(({ name }) => name === word)))[0]
  const unknown = bare.find(({ word, after }) => word !== 'train' && !after.startsWith('-'))?.word
  if (model !== undefined || unknown === undefined) return model
  const meant = nearestWord(unknown, names)
  throw badOption('train', 'model', `one of ${names.join(', ')}`, unknown, meant && `did you mean ${meant}?`)
}

export const train: CommandModule = {
  command: 'train <model>',
  describe: 'train a model on a file of vectors',
  builder: (y) => {
    const words = process.argv.slice(2)
    const model = modelOn(words)
    if (!words.includes('--resume')) y.demandOption('data')
    return y
      .positional('model', { type: 'string', describe: wrapped(`one of ${names.join(', ')}`, 60) })
      .options(flags(model ? trainFieldsOf(model) : trainFields))
      .options(flags(seedFields))
      .options(model ? flags(model.fields) : {})
      .example('$0 train lstm --data vectors.npz', 'the recipe of the specification')
      .example('$0 train gru --data vectors.npz --recipe strong --seeds 3', 'mean ± sd over three seeds')
      .example('$0 train gru --data vectors.npz --folds 5', 'holds out every article once')
      .example('$0 train lstm --data vectors.npz --resume --epochs 40', 'resume and train up to epoch 40')
      .epilogue(model ? model.about : 'Options of one model: $0 train MODEL --help')
  },
  handler: async (argv) => {
    const model = modelOn([String(argv.model)])
    const { seeds, folds } = resolve('train', seedFields, given(seedFields, argv))
    const [{ train }, { runTraining }] = await Promise.all([import('../../lib/train/train.js'), import('../training.js')])
    const options = { model: String(argv.model), ...given({ ...trainFields, ...model?.fields }, argv) } as TrainOptions
    const name = options.name ?? model?.folder ?? options.model
    if (folds !== undefined && options.fold !== undefined)
      throw badOption('train', 'fold', 'no value with "folds", which trains all of them,', options.fold, 'leave --fold out')
    const one = seeds === 1 && folds === undefined
    const several = one ? undefined : { count: seeds, first: options.seed ?? 1, name, folds }
    await runTraining(train, options, several, argv.json === true)
  },
}
