import type { CommandModule } from 'yargs'
import { compareFields } from '../../lib/study/compare/compare-fields.js'
import { flags, given } from '../flags.js'
import { answer, note } from '../output.js'

export const compare: CommandModule = {
  command: 'compare <run..>',
  describe: 'compare runs and baselines in pairs, window by window',
  builder: (y) =>
    y
      .parserConfiguration({ 'duplicate-arguments-array': true }) // keeps all runs of a list instead of the last one
      .positional('run', {
        type: 'string',
        describe: 'runs, baselines by name (exponential_mean, ridge, …), or files of predictions as NAME=FILE.npy',
      })
      .option('data', {
        requiresArg: true,
        group: 'Data:',
        describe: 'file of vectors, repeatable; by default the data that the runs were trained on',
      })
      .options(flags(compareFields))
      .example('$0 compare lstm_baseline gru_stacked exponential_mean', 'all three pairs')
      .example('$0 compare lstm_baseline lightgbm=guesses.npy', 'a run and predictions from elsewhere')
      .example('$0 compare lstm_baseline ridge --folds', 'pools all folds of a run: intervals over all articles')
      .example('$0 compare lstm_baseline gru_stacked --data a.npz --data b.npz', 'on other data, one file after the other'),
  handler: async (argv) => {
    const { compare } = await import('../../lib/study/compare/compare.js')
    const data = argv.data === undefined ? {} : { data: [argv.data].flat().map(String) }
    const options = { runs: (argv.run as string[]).map(String), say: note, ...data, ...given(compareFields, argv) }
    const { comparison, table } = await compare(options)
    answer(comparison, () => table, argv.json === true)
  },
}
