import type { CommandModule } from 'yargs'
import { architectures } from '../../lib/architectures/index.js'
import { isPlace, planningFields } from '../../lib/plan/planning-fields.js'
import { trainFieldsOf } from '../../lib/train/train-fields.js'
import { flags, given, wrapped } from '../flags.js'
import { answer } from '../output.js'
import { planText } from '../plan-text.js'
import { interruption } from '../signals.js'

const names = architectures.map(({ name }) => name)

/** The verb `plan`; the options of the model that the command line names are a part of it. */
export function planning(words: readonly string[] = process.argv.slice(2)): CommandModule {
  const model = architectures.find(({ name }) => words.includes(name))
  const fields = Object.fromEntries(Object.entries(trainFieldsOf(model ?? architectures[0]!)).filter(([key]) => !isPlace(key)))
  const all = { ...planningFields, ...fields, ...model?.fields }
  return {
    command: 'plan <model>',
    describe: 'tell memory, network, time and disk of a training before it runs',
    builder: (y) =>
      y
        .positional('model', { type: 'string', describe: wrapped(`one of ${names.join(', ')}`, 60) })
        .options(flags(all))
        .demandOption('rows')
        .example('$0 plan lstm --rows 1e7', 'on this machine')
        .example('$0 plan lcm --rows 1e9 --ranks 64 --batch-size 2048 --shard-optimizer', 'on 64 machines like this one')
        .epilogue(model ? model.about : 'Options of one model: $0 plan MODEL --help'),
    handler: async (argv) => {
      const { plan } = await import('../../lib/plan/plan-training.js')
      const stop = interruption(() => {}, 'the same command starts again') // waits for the training, whose files are then removed
      const options = { model: String(argv.model), ...given(all, argv) } as never
      const planned = await plan(options, { signal: stop.signal }).finally(() => stop.release())
      answer(planned, () => planText(planned), argv.json === true)
    },
  }
}
