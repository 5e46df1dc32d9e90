import type { CommandModule } from 'yargs'
import { cut } from '../../lib/errors.js'
import { rolloutFields } from '../../lib/evaluate/evaluate-fields.js'
import { count, counted, decimal, oneLine, table } from '../../lib/show.js'
import type { RolloutSentences } from '../../lib/text/decode/rollout-sentences.js'
import { flags, given } from '../flags.js'
import { answer } from '../output.js'

const LONGEST = 120
const line = (step: string | number, name: string, cosine: number | null, text: string) =>
  `  ${String(step).padStart(3)}  ${name.padEnd(9)} ${(cosine === null ? '' : decimal(cosine)).padStart(6)}  ${oneLine(cut(text, LONGEST))}`

type Nearest = RolloutSentences['steps'][number]['nearest']
const nearestLine = (nearest: Nearest, before: Nearest | undefined): string =>
  nearest === null
    ? '       nearest    no row is left in the data'
    : line(
        '',
        'nearest',
        nearest.cosine,
        nearest.row === before?.row ? '(the same sentence as in the step before)' : nearest.text,
      )

/** One rollout for the terminal: for each step the true sentence and the stored one nearest to the prediction. */
const sentences = ({ row, article, title, context, steps }: RolloutSentences): string => {
  const name = title ?? article
  return [
    `\nrow ${count(row)}${name === null ? '' : ` · ${oneLine(cut(name, 60))}`}`,
    line('', 'context', null, context),
    ...steps.flatMap(({ target, cosine, nearest }, i) => [
      line(i + 1, 'true', cosine, target),
      nearestLine(nearest, steps[i - 1]?.nearest),
    ]),
  ].join('\n')
}

const explained = (n: number): string =>
  `\n${n} rollouts at evenly spaced quantiles of the cosine of their first step, the lowest first
true: the sentence of the text; nearest: the stored sentence nearest to the prediction, without the context, not generated; each with the cosine of the prediction and its vector`

export const rolling: CommandModule = {
  command: 'rollout <run>',
  describe: 'feed predictions back as inputs and measure every step',
  builder: (y) =>
    y
      .positional('run', { type: 'string', describe: 'folder of a run, or its name below artifacts/lvm/models' })
      .options(flags(rolloutFields))
      .example('$0 rollout lstm_baseline --steps 10', 'ten steps from every window with ten following vectors'),
  handler: async (argv) => {
    const { rollout } = await import('../../lib/evaluate/rollout.js')
    const made = await rollout({ run: String(argv.run), ...given(rolloutFields, argv) })
    const trained = made.trained_on ? `; ${(100 * made.trained_on).toFixed(1)} % of them were trained on` : ''
    const text = () =>
      [
        `${made.run}: ${counted(made.windows, 'window')} of ${counted(made.articles, 'article')} (${made.part}), memory: ${made.memory}${trained}\n`,
        table(made.steps, {
          step: ({ step }) => step,
          cosine: ({ cosine }) => decimal(cosine),
          '95 %': ({ ci95 }) => ci95 && `${decimal(ci95[0])} … ${decimal(ci95[1])}`,
          'copy last': ({ cosine_copy_last }) => decimal(cosine_copy_last),
          'to the mean': ({ cosine_mean_vector }) => decimal(cosine_mean_vector),
          'to the step before': ({ cosine_previous }) => decimal(cosine_previous),
        }),
        ...(made.sentences ? [explained(made.sentences.length), ...made.sentences.map(sentences)] : []),
      ].join('\n')
    answer(made, text, argv.json === true)
  },
}
