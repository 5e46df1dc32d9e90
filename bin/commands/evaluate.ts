import type { CommandModule } from 'yargs'
import { evaluateFields } from '../../lib/evaluate/evaluate-fields.js'
import { flags, given } from '../flags.js'
import { follows } from '../follows.js'
import { answer, note } from '../output.js'

export const evaluate: CommandModule = {
  command: 'evaluate <run..>',
  describe: 'compare runs with the baselines, with confidence intervals by article',
  builder: (y) =>
    y
      .parserConfiguration({ 'duplicate-arguments-array': true }) // keeps all runs of a list instead of the last one
      .positional('run', {
        type: 'string',
        describe: 'folders of runs, or their names below artifacts/lvm/models; files of predictions as NAME=FILE.npy',
      })
      .options(flags(evaluateFields))
      .example('$0 evaluate lstm_baseline gru_stacked', 'side by side, on their saved validation rows')
      .example('$0 evaluate lstm_baseline --data other.npz', 'on other data, all rows')
      .example('$0 evaluate lstm_baseline lightgbm=guesses.npy', 'beside predictions from elsewhere, in the same table')
      .example('$0 evaluate lstm_baseline --folds', 'all folds of sweep --folds, each on the articles that it held out'),
  handler: async (argv) => {
    const { evaluate } = await import('../../lib/evaluate/evaluate-runs.js')
    const runs = (argv.run as string[]).map(String)
    const { results, outside, table } = await evaluate({ runs, say: follows() ? () => {} : note, ...given(evaluateFields, argv) })
    if (follows()) return
    answer({ ...results, ...(outside && { outside: outside.runs }) }, () => table, argv.json === true)
  },
}
