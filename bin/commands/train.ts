import type { CommandModule } from 'yargs'
import { architectures } from '../../lib/architectures/index.js'
import { badOption, LvmError } from '../../lib/errors.js'
import type { TrainOptions } from '../../lib/index.js'
import { flag, integer, resolve, text } from '../../lib/options.js'
import { rankPlace } from '../../lib/ranks/rank-place.js'
import { kebab, nearestWord } from '../../lib/show.js'
import type { Architecture } from '../../lib/spec/architecture.js'
import { trainFields, trainFieldsOf } from '../../lib/train/train-fields.js'
import { watchFields } from '../../lib/train/watch/watch-fields.js'
import { flags, given, valueOn, watchOn, wrapped } from '../flags.js'
import { answer } from '../output.js'

const names = architectures.map(({ name }) => name)
/** Options of `train` on the command line that are not its own in the library: no option of an architecture may have their names. */
export const seedFields = {
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
export const configFields = {
  modelFile: text({
    default: undefined,
    about: 'train the architecture that this JavaScript file exports, instead of a model by name (docs/own-architectures.md)',
    group: 'Run',
  }),
  config: text({
    default: undefined,
    about: 'YAML or JSON file with options, such as the config.json of a run; flags override it',
    group: 'Run',
  }),
  printConfig: flag({ default: false, about: 'print all settings as a file for --config, and train nothing', group: 'Run' }),
}
const valued = new Set(
  Object.entries({ ...trainFields, ...seedFields, ...configFields, ...watchFields }).flatMap(([k, f]) =>
    f.kind === 'flag' ? [] : [`--${kebab(k)}`],
  ),
)

/** Returns the model that a command line names; undefined also for a run that carries its own. Errors: BAD_OPTION. */
export function modelOn(words: readonly string[]) {
  const bare = words.map((word, i) => ({ word, after: words[i - 1] ?? '' })).filter(({ word }) => !word.startsWith('-'))
  const model = bare.flatMap(({ word, after }) => (valued.has(after) ? [] : architectures.filter(({ name }) => name === word)))[0]
  const unknown = bare.find(({ word, after }) => word !== 'train' && !after.startsWith('-'))?.word
  if (model !== undefined || unknown === undefined || words.includes('--resume')) return model
  const meant = nearestWord(unknown, names)
  const hint = meant === undefined ? 'for an architecture of your own give its file with --model-file' : `did you mean ${meant}?`
  throw badOption('train', 'model', `one of ${names.join(', ')}`, unknown, hint)
}

/** Returns the model of a command line, by name or from a file. Its options are part of the help, so it is needed before parsing. */
async function chosenOn(words: readonly string[], config: Config): Promise<Architecture | undefined> {
  const file = valueOn(words, '--model-file') ?? config?.modelFile
  if (file !== undefined) return (await import('../../lib/train/model-file.js')).readModelFile(String(file))
  return modelOn(words) ?? (config && modelOn([String(config.model ?? '')].filter(Boolean)))
}

type Config = Readonly<Record<string, unknown>> | undefined

/** Reads the file of --config on a command line. Errors: those of readConfig. */
async function configOn(words: readonly string[]): Promise<Config> {
  const path = valueOn(words, '--config')
  if (path === undefined) return undefined
  const { readConfig } = await import('../train-config.js')
  const file = valueOn(words, '--model-file')
  return readConfig(path, Object.keys(seedFields), { file, model: file === undefined ? modelOn(words) : undefined })
}

/** Model, options and seeds of a training, from its words and the file of --config. Errors: BAD_OPTION. */
async function settled(argv: Readonly<Record<string, unknown>>, config: Config, model: Architecture | undefined) {
  const named = argv.model ?? model?.name ?? config?.model
  if (named === undefined) throw new LvmError('BAD_OPTION', 'train: <model> is missing', { hint: 'run: lvm-torch train --help' })
  if (model !== undefined && named !== model.name)
    throw badOption('train', 'model', `${model.name}, as in the file of --model-file,`, named, 'leave the model out')
  const typed = given({ ...trainFields, ...seedFields, ...model?.fields }, argv)
  const train = model ?? String(named)
  const all = config === undefined ? typed : (await import('../train-config.js')).overridden(config, typed, train)
  const { seeds, folds, ...options } = all
  const { seeds: count, folds: of } = resolve('train', seedFields, { seeds, folds })
  const name = options.name === undefined ? (model?.folder ?? String(named)) : String(options.name)
  if (of !== undefined && options.fold !== undefined)
    throw badOption('train', 'fold', 'no value with "folds", which trains all of them,', options.fold, 'leave --fold out')
  const one = count === 1 && of === undefined
  if (!one && rankPlace() !== undefined)
    throw badOption(
      'train',
      of === undefined ? 'seeds' : 'folds',
      'no value where the environment has RANK and WORLD_SIZE',
      of ?? count,
      'use --processes, or start one training after the other',
    )
  const several = one ? undefined : { count, first: Number(options.seed ?? 1), name, folds: of }
  return { model: train, options, several }
}

/** The verb `train`; the file of --config is read first, because it can name the model, whose options are part of the verb's. */
export async function training(words: readonly string[] = process.argv.slice(2)): Promise<CommandModule> {
  const config = await configOn(words)
  const model = await chosenOn(words, config)
  const needsData = !['--resume', '--print-config'].some((option) => words.includes(option)) && config?.data === undefined
  return {
    command: 'train [model]', // a file can name it
    describe: 'train a model on a file of vectors',
    builder: (y) => {
      if (needsData) y.demandOption('data')
      return y
        .positional('model', { type: 'string', describe: wrapped(`one of ${names.join(', ')}`, 60) })
        .options(flags(model ? trainFieldsOf(model) : trainFields))
        .options(flags({ ...seedFields, ...configFields, ...watchFields }))
        .options(model ? flags(model.fields) : {})
        .example('$0 train lstm --data vectors.npz', 'the recipe of the specification')
        .example('$0 train gru --data vectors.npz --recipe strong --seeds 3', 'mean ± sd over three seeds')
        .example('$0 train gru --data vectors.npz --folds 5', 'holds out every article once')
        .example('$0 train lstm --data vectors.npz --resume --epochs 40', 'resume and train up to epoch 40')
        .example('$0 train --model-file mine.mjs --data vectors.npz', 'an architecture of your own')
        .example('$0 train --config run.yaml --epochs 3', 'the options of a file')
        .epilogue(model ? model.about : 'Options of one model: $0 train MODEL --help')
    },
    handler: async (argv) => {
      const { model: chosen, options, several } = await settled(argv, config, model)
      if (argv.printConfig === true) {
        const { allSettings, settingsText } = await import('../train-config.js')
        const file = argv.modelFile ?? config?.modelFile
        const settings = allSettings(chosen, options, file === undefined ? undefined : String(file))
        return answer(settings, () => settingsText(settings), argv.json === true)
      }
      const [{ train }, { runTraining }] = await Promise.all([import('../../lib/train/train.js'), import('../training.js')])
      await runTraining(train, { model: chosen, ...options } as TrainOptions, several, {
        json: argv.json === true,
        watch: watchOn('train', argv),
      })
    },
  }
}
