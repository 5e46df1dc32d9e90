import type { CommandModule } from 'yargs'
import { analyzeFields } from '../../lib/evaluate/evaluate-fields.js'
import { flags, given } from '../flags.js'
import { answer, note } from '../output.js'

export const analyzing: CommandModule = {
  command: 'analyze <run..>',
  describe: 'show the errors of a run by article, length, category, cluster and similarity, and its worst windows',
  builder: (y) =>
    y
      .parserConfiguration({ 'duplicate-arguments-array': true }) // keeps all runs of a list instead of the last one
      .positional('run', {
        type: 'string',
        describe: 'folders of runs, or their names below artifacts/lvm/models; files of predictions as NAME=FILE.npy',
      })
      .options(flags(analyzeFields))
      .example('$0 analyze lstm_baseline', 'on its saved validation rows, with a map of targets and predictions')
      .example('$0 analyze lstm_baseline lightgbm=guesses.npy', 'beside predictions from elsewhere, on the same windows')
      .example('$0 analyze lstm_baseline --ood speeches.npy', 'with the same analysis of another domain'),
  handler: async (argv) => {
    const { analyze } = await import('../../lib/study/analysis/analyze.js')
    const { renderAnalysis } = await import('../../lib/study/analysis/analysis-page.js')
    const results = await analyze({ run: (argv.run as string[]).map(String), ...given(analyzeFields, argv) }, note)
    answer(results, () => results.runs.map(renderAnalysis).join('\n\n\n'), argv.json === true)
  },
}
