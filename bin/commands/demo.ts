import { fileURLToPath } from 'node:url'
import type { CommandModule } from 'yargs'
import type { RunEntry } from '../../lib/evaluate/results-file.js'
import type { TrainOptions } from '../../lib/index.js'
import { integer, resolve } from '../../lib/options.js'
import { counted, decimal, shellWord, signedDecimal } from '../../lib/show.js'
import { program } from '../command-line.js'
import { flags, given } from '../flags.js'
import { diagnostic, event, nearby, note, print } from '../output.js'
import { packageRoot } from '../package.js'

const MODELS = ['lstm', 'gru', 'transformer'] as const
const fields = {
  epochs: integer({ default: 6, min: 1, about: 'epochs for each model; one is too few for gru and transformer to improve' }),
}

const INTRO = `Three models learn to predict the next sentence vector of 61 country profiles from the World Factbook.
This takes a minute or two; the recipe is "small": each model predicts a change from means of all that it has read.
The audit warns that the sample is small (SUFFICIENCY): the demo shows the commands, it does not rank models.
`

/** Compares the models with ridge regression on the same rows, in one sentence. */
export function besideRidge(runs: readonly Pick<RunEntry, 'run' | 'n' | 'cosine' | 'baselines'>[]): string {
  const { n, baselines } = runs[0]!
  const ridge = baselines.ridge!.cosine
  const above = runs.filter(({ cosine }) => cosine.mean > ridge).map(({ run }) => run)
  const which =
    above.length === 0
      ? 'none of the models is'
      : above.length === runs.length
        ? 'all of the models are'
        : `only ${above.join(' and ')} ${above.length > 1 ? 'are' : 'is'}`
  const each = runs.map(({ run, cosine }) => `${run} ${decimal(cosine.mean)} (${signedDecimal(cosine.mean - ridge)})`).join(', ')
  return `Ridge regression has a mean cosine of ${decimal(ridge)} on these ${counted(n, 'window')}, and ${which} above it: ${each}.`
}

const next = (data: string, runs: readonly string[], { page, plots }: { page: string; plots: string }) => `
the runs are in
${runs.map((run) => `  ${nearby(run)}`).join('\n')}
the report is one page that needs no network
  ${nearby(page)}
the figures are in ${nearby(plots)}

next commands
  ${program()} train lstm --data ${shellWord(nearby(data))} --recipe small --epochs 12
  ${program()} data inspect YOUR.npz
  ${program()} train lstm --data YOUR.npz --recipe small    # or strong, for tens of thousands of windows
  ${program()} --help
`

export const demo: CommandModule = {
  command: 'demo',
  describe: 'train three models briefly on the sample, and compare them with the baselines',
  builder: (y) => y.options(flags(fields)),
  handler: async (argv) => {
    const json = argv.json === true
    const { epochs } = resolve('demo', fields, given(fields, argv))
    const { train } = await import('../../lib/train/train.js')
    const { follow } = await import('../training.js')
    const data = fileURLToPath(new URL('data/sample/factbook', packageRoot))
    const runs: string[] = []
    if (!json) print(INTRO)
    for (const model of MODELS) {
      const options: TrainOptions = { model, data, epochs, recipe: 'small', name: `demo_${model}`, overwrite: true }
      const { results, stopped } = await follow(train, options, undefined, json)
      if (stopped) {
        diagnostic('the demo was stopped; the next call starts it from the beginning')
        process.exitCode = stopped.exit
        return
      }
      runs.push(results.at(-1)!.run)
      if (!json) print('')
    }
    const { evaluate } = await import('../../lib/evaluate/evaluate-runs.js')
    const { results, table } = await evaluate({ runs, say: note, latency: 0.3 })
    if (!json) print(`${table}\n\n${besideRidge(results.runs)}`)
    diagnostic('writing the report')
    const { report } = await import('../../lib/report/report.js')
    const made = await report()
    if (json) event({ type: 'result', ...results, page: made.page })
    else print(next(data, runs, made))
  },
}
