import type { CommandModule } from 'yargs'
import type { Comparison } from '../../lib/export/compare-export.js'
import { exportFields } from '../../lib/export/export-fields.js'
import { flags, given } from '../flags.js'
import { answer, nearby } from '../output.js'

const UNCHECKED = 'not compared with the run: nothing has computed this file yet, and its metadata says so'
const said = ({ batches, contexts, largest_difference: difference, allowed, runtime }: Comparison): string =>
  `compared in ${runtime ?? 'a fresh process'} with batches of ${batches.join(', ')} and contexts of ${contexts.join(', ')}: largest difference ${difference.toExponential(1)}, round-off allows ${allowed.toExponential(1)}`

export const exporting: CommandModule = {
  command: 'export <run>',
  describe: 'write a run as TorchScript, safetensors or ONNX, compared with the model before it is published',
  builder: (y) =>
    y
      .positional('run', { type: 'string', describe: 'folder of a run, or its name below artifacts/lvm/models' })
      .options(flags(exportFields))
      .example('$0 export lstm_baseline', 'in Python: torch.jit.load("artifacts/lvm/models/lstm_baseline/exported.ts.pt")')
      .example('$0 export lstm_baseline --format safetensors', 'the weights under their parameter names')
      .example('$0 export lstm_baseline --out lstm.onnx', 'for ONNX Runtime, which also compares it with the run'),
  handler: async (argv) => {
    const { exportRun } = await import('../../lib/export/export.js')
    const made = await exportRun({ run: String(argv.run), ...given(exportFields, argv) })
    const { compared, beside } = made
    answer(
      made,
      () =>
        [
          `${made.format} of ${made.run} in ${nearby(made.out)}${beside === null ? '' : `, with weights in ${nearby(beside)}`}`,
          compared === null ? UNCHECKED : said(compared),
        ].join('\n'),
      argv.json === true,
    )
  },
}
