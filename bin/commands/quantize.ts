import type { CommandModule } from 'yargs'
import { quantizeFields } from '../../lib/compress/quantize-fields.js'
import { bytes } from '../../lib/show.js'
import { flags, given } from '../flags.js'
import { latencyTable } from '../latency-table.js'
import { answer, note } from '../output.js'
import { allOrNothing } from '../signals.js'

export const quantize: CommandModule = {
  command: 'quantize <run>',
  describe: 'write a quantised copy of a run; published only if it loses no more than allowed',
  builder: (y) =>
    y
      .positional('run', { type: 'string', describe: 'folder of a run, or its name below artifacts/lvm/models' })
      .options(flags(quantizeFields))
      .example('$0 quantize lstm_baseline', 'lstm_baseline_int8, a run like any other')
      .example('$0 quantize transformer --to int4 --max-drop 0.01', 'four bits per weight'),
  handler: async (argv) => {
    const { quantize } = await import('../../lib/compress/quantize.js')
    const options = { run: String(argv.run), ...given(quantizeFields, argv), say: note }
    const made = await allOrNothing((signal) => quantize(options, { signal }))
    const { size, latency, layers, notes } = made
    const kept = layers.filter(({ scheme }) => scheme === 'fp32').map(({ name }) => name)
    const text = () =>
      [
        `${made.run}: ${made.scheme} of ${made.parent}, weights ${bytes(size.parent_weights_bytes)} → ${bytes(size.weights_bytes)}`,
        `kept in fp32: ${kept.join(', ') || 'none'} of ${layers.length} matrices`,
        '',
        latencyTable(made),
        `${latency.device}, ${latency.threads} thread${latency.threads === 1 ? '' : 's'}; kernels: ${Object.entries(
          made.kernels.by_shape,
        )
          .map(([shape, kernel]) => `${shape} ${kernel}`)
          .join(', ')}`,
        ...notes,
      ].join('\n')
    answer(made, text, argv.json === true)
  },
}
