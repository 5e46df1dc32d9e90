import type { CommandModule } from 'yargs'
import { exportFields } from '../../lib/export/export-fields.js'
import { flags, given } from '../flags.js'
import { answer, nearby } from '../output.js'

export const exporting: CommandModule = {
  command: 'export <run>',
  describe: 'write a run as TorchScript or safetensors, compared with the model before it is published',
  builder: (y) =>
    y
      .positional('run', { type: 'string', describe: 'folder of a run, or its name below artifacts/lvm/models' })
      .options(flags(exportFields))
      .example('$0 export lstm_baseline', 'in Python: torch.jit.load("artifacts/lvm/models/lstm_baseline/exported.ts.pt")')
      .example('$0 export lstm_baseline --format safetensors', 'the weights under their parameter names'),
  handler: async (argv) => {
    const { exportRun } = await import('../../lib/export/export.js')
    const made = await exportRun({ run: String(argv.run), ...given(exportFields, argv) })
    const { batches, contexts, largest_difference: difference, allowed } = made.compared
    const compared = `batches of ${batches.join(', ')} and contexts of ${contexts.join(', ')}: largest difference ${difference.toExponential(1)}, round-off allows ${allowed.toExponential(1)}`
    answer(
      made,
      () => `${made.format} of ${made.run} in ${nearby(made.out)}\ncompared in a fresh process with ${compared}`,
      argv.json === true,
    )
  },
}
