import type { CommandModule } from 'yargs'
import { pruneFields } from '../../lib/compress/prune-fields.js'
import { bytes, count } from '../../lib/show.js'
import { flags, given } from '../flags.js'
import { latencyTable } from '../latency-table.js'
import { answer, note } from '../output.js'
import { allOrNothing } from '../signals.js'

export const prune: CommandModule = {
  command: 'prune <run>',
  describe: 'remove the least important weights of a run; published only if it loses no more than allowed',
  builder: (y) =>
    y
      .positional('run', { type: 'string', describe: 'folder of a run, or its name below artifacts/lvm/models' })
      .options(flags(pruneFields))
      .demandOption('sparsity')
      .example('$0 prune transformer --sparsity 0.3 --structured neurons --finetune 2', 'smaller and faster')
      .example('$0 prune lstm_baseline --sparsity 0.5', 'sets half of the weights to zero: only a compressed file is smaller'),
  handler: async (argv) => {
    const { prune } = await import('../../lib/compress/prune.js')
    const options = { run: String(argv.run), ...given(pruneFields, argv), say: note }
    const made = await allOrNothing((signal) => prune(options, { signal }))
    const { size, latency, parameters, notes } = made
    const text = () =>
      [
        `${made.run}: ${count(parameters.parent)} → ${count(parameters.result)} parameters of ${made.parent}`,
        `weights ${bytes(size.parent_weights_bytes)} → ${bytes(size.weights_bytes)}, compressed ${bytes(size.parent_compressed_bytes)} → ${bytes(size.compressed_bytes)}`,
        '',
        latencyTable(made),
        `${latency.device}, ${latency.threads} thread${latency.threads === 1 ? '' : 's'}`,
        ...notes,
      ].join('\n')
    answer(made, text, argv.json === true)
  },
}
