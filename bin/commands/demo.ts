import { fileURLToPath } from 'node:url'
import type { CommandModule } from 'yargs'
import { integer, resolve } from '../../lib/options.js'
import { program } from '../command-line.js'
import { flags, given } from '../flags.js'
import { answer, diagnostic, print } from '../output.js'
import { packageRoot } from '../package.js'
import { follow } from '../training.js'

const MODELS = ['lstm', 'gru', 'transformer']
const fields = { epochs: integer({ default: 4, min: 1, about: 'epochs for each model' }) }

const next = (data: string, runs: readonly string[]) => `
the runs are in
${runs.map((run) => `  ${run}`).join('\n')}
the figures are in artifacts/lvm/evaluation

what to type next
  ${program()} train lstm --data ${data} --recipe strong
  ${program()} train lstm --data YOUR.npz
  ${program()} data inspect YOUR.npz
  ${program()} --help`

export const demo: CommandModule = {
  command: 'demo',
  describe: 'train three models briefly on the sample, and compare them with the baselines',
  builder: (y) => y.options(flags(fields)),
  handler: async (argv) => {
    const json = argv.json === true
    const { epochs } = resolve('demo', fields, given(fields, argv))
    const { train, evaluate } = await import('../../lib/index.js')
    const data = fileURLToPath(new URL('data/sample/factbook', packageRoot))
    const runs: string[] = []
    for (const model of MODELS) {
      if (!json) print('')
      const { results, stopped } = await follow(
        train,
        { model, data, epochs, name: `demo_${model}`, overwrite: true },
        undefined,
        json,
      )
      if (stopped) {
        diagnostic('the demo was stopped; it starts afresh when it is called again')
        process.exitCode = stopped.exit
        return
      }
      runs.push(results.at(-1)!.run)
    }
    const { results, table } = await evaluate({ runs })
    answer(results, () => `\n${table}\n${next(data, runs)}`, json)
  },
}
