import type { CommandModule } from 'yargs'
import { predictFields } from '../../lib/evaluate/evaluate-fields.js'
import { count } from '../../lib/show.js'
import { flags, given } from '../flags.js'
import { answer } from '../output.js'

export const predict: CommandModule = {
  command: 'predict <run>',
  describe: 'write the predictions of a run, scaled to length 1 unless --raw is given, and an index of their targets',
  builder: (y) =>
    y
      .positional('run', { type: 'string', describe: 'folder of a run, or its name below artifacts/lvm/models' })
      .options(flags(predictFields))
      .demandOption('out')
      .example('$0 predict lstm_baseline --data vectors.npz --out predictions.npy', 'the validation rows of the run'),
  handler: async (argv) => {
    const { predict } = await import('../../lib/evaluate/predict.js')
    const made = await predict({ run: String(argv.run), out: String(argv.out), ...given(predictFields, argv) })
    const seen = made.trained_on ? `; ${(100 * made.trained_on).toFixed(1)} % of them were trained on` : ''
    const scale = made.scale === 'unit' ? 'scaled to length 1' : 'as raw outputs of the head'
    answer(
      made,
      () => `${count(made.rows)} predictions, ${scale}, in ${made.out}; their targets in ${made.index}${seen}`,
      argv.json === true,
    )
  },
}
