import type { CommandModule } from 'yargs'
import { retrieveFields } from '../../lib/study/retrieval/retrieve-fields.js'
import { flags, given } from '../flags.js'
import { follows } from '../follows.js'
import { answer, fail, note } from '../output.js'

export const retrieve: CommandModule = {
  command: 'retrieve <run..>',
  describe: 'search all vectors for the targets, with the predictions of runs and with heuristics',
  builder: (y) =>
    y
      .parserConfiguration({ 'duplicate-arguments-array': true }) // keeps all runs of a list instead of the last one
      .positional('run', {
        type: 'string',
        describe: 'folders of runs, or their names below artifacts/lvm/models; files of predictions as NAME=FILE.npy',
      })
      .options(flags(retrieveFields))
      .example('$0 retrieve lstm_baseline', 'search all rows of its data for the targets of its validation windows')
      .example('$0 retrieve lstm_baseline gru_stacked --bank more.npy', 'search another file of the same encoder'),
  handler: async (argv) => {
    const { retrieve } = await import('../../lib/study/retrieval/retrieve.js')
    const runs = (argv.run as string[]).map(String)
    const { results, table, failure } = await retrieve({ runs, say: follows() ? () => {} : note, ...given(retrieveFields, argv) })
    if (follows()) return
    answer(results, () => table, argv.json === true)
    if (failure !== undefined) fail(failure)
  },
}
