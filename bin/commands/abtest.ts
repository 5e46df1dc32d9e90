import type { CommandModule } from 'yargs'
import { abtestFields } from '../../lib/study/abtest/abtest-fields.js'
import { flags, given } from '../flags.js'
import { answer, fail, note } from '../output.js'

export const abtesting: CommandModule = {
  command: 'abtest [run..]',
  describe: 'test runs against plain retrieval, or the arms of a served log',
  builder: (y) =>
    y
      .parserConfiguration({ 'duplicate-arguments-array': true }) // keeps all runs of a list instead of the last one
      .positional('run', { type: 'string', describe: 'folders of runs, or their names below artifacts/lvm/models' })
      .options(flags(abtestFields))
      .example('$0 abtest lstm_baseline', 'predict, then search, against searches with the context itself')
      .example('$0 abtest lstm_baseline --bank more.npy --k 5', 'search another file of the same encoder')
      .example('$0 abtest --log served.jsonl', 'the arms of serve --split, by the feedback in its log'),
  handler: async (argv) => {
    const { abtest } = await import('../../lib/study/abtest/abtest.js')
    const runs = ((argv.run as string[] | undefined) ?? []).map(String)
    const { results, table, failure } = await abtest({ runs, say: note, ...given(abtestFields, argv) })
    answer(results, () => table, argv.json === true)
    if (failure !== undefined) fail(failure)
  },
}
