import type { CommandModule } from 'yargs'
import { architectures } from '../../lib/architectures/index.js'
import { badOption } from '../../lib/errors.js'
import type { TrainOptions } from '../../lib/index.js'
import { integer, resolve } from '../../lib/options.js'
import { trainFields } from '../../lib/train/fields.js'
import { program, resumption } from '../command-line.js'
import { flags, given, kebab } from '../flags.js'
import { diagnostic, event as emit, print } from '../output.js'
import { progress, terminal } from '../progress.js'
import { type Result, type Seeds, summary, type Train, trainings } from '../seeds.js'
import { interruption } from '../signals.js'
import { nearest } from '../usage.js'

const names = architectures.map(({ name }) => name)
const seedFields = {
  seeds: integer({ default: 1, min: 1, about: 'train so many times with seeds one apart, and give mean and sd', group: 'Run' }),
}
const valued = new Set(
  Object.entries({ ...trainFields, ...seedFields }).flatMap(([k, f]) => (f.kind === 'flag' ? [] : [`--${kebab(k)}`])),
)

/** The model on a command line: its options are part of the help, so it must be known before parsing. */
export function modelOn(words: readonly string[]) {
  const word = words.find((w, i) => !w.startsWith('-') && w !== 'train' && !valued.has(words[i - 1] ?? ''))
  const model = architectures.find(({ name }) => name === word)
  if (word === undefined || model !== undefined) return model
  const meant = nearest(word, names)
  throw badOption('train', 'model', `one of ${names.join(', ')}`, word, meant && `did you mean ${meant}?`)
}

/** Trains once or once per seed, shows how it goes, and says where the checkpoint is when the user stops it. */
export async function runTraining(train: Train, options: TrainOptions, seeds: Seeds, json: boolean): Promise<void> {
  const stop = interruption()
  const show = json ? emit : progress(terminal())
  const runs: Result[] = []
  try {
    for await (const event of trainings(train, options, seeds, stop.signal)) {
      show(event)
      if (event.type === 'result') runs.push(event)
    }
  } finally {
    stop.release()
  }
  const last = runs.at(-1)
  if (last?.stopped === 'interrupted') {
    diagnostic(`the checkpoint is in ${last.run}\ngo on with: ${resumption()}`)
    process.exitCode = stop.reason?.exit ?? 130
  } else if (seeds.count > 1) {
    const all = summary(runs)
    if (json) emit(all.event)
    else print(all.text)
  } else if (!json && last) print(`next: ${program()} evaluate ${last.run}`)
}

export const train: CommandModule = {
  command: 'train <model>',
  describe: 'train a model on a file of vectors',
  builder: (y) => {
    const model = modelOn(process.argv.slice(2))
    return y
      .positional('model', { type: 'string', describe: `one of ${names.join(', ')}` })
      .options(flags(trainFields))
      .options(flags(seedFields))
      .options(
        model ? flags(Object.fromEntries(Object.entries(model.fields).map(([k, f]) => [k, { ...f, group: 'Model' }]))) : {},
      )
      .example('$0 train lstm --data vectors.npz', 'the recipe of the PRD')
      .example('$0 train gru --data vectors.npz --recipe strong --seeds 3', 'mean and sd over three seeds')
      .example('$0 train lstm --data vectors.npz --resume --epochs 40', 'go on where it stopped')
      .epilogue(model ? model.about : 'A model has options of its own: $0 train MODEL --help')
  },
  handler: async (argv) => {
    const model = modelOn([String(argv.model)])
    const { seeds } = resolve('train', seedFields, given(seedFields, argv))
    const { train } = await import('../../lib/index.js')
    const options = { model: String(argv.model), ...given({ ...trainFields, ...model?.fields }, argv) } as TrainOptions
    const name = options.name ?? model?.folder ?? options.model
    await runTraining(train, options, { count: seeds, first: options.seed ?? trainFields.seed.default, name }, argv.json === true)
  },
}
