import type { CommandModule } from 'yargs'
import { cut } from '../../lib/errors.js'
import { count, counted, decimal, oneLine } from '../../lib/show.js'
import type { Continued } from '../../lib/study/next/next.js'
import { nextFields } from '../../lib/study/next/next-fields.js'
import { flags, given } from '../flags.js'
import { answer, diagnostic } from '../output.js'

const LONGEST = 120
const shown = (text: string) => oneLine(cut(text, LONGEST))

function textOf({ run, context, bank, steps }: Continued): string {
  const what = context.texts === null ? 'vectors' : 'sentences'
  const last = context.texts?.at(-1)
  const lines = steps.flatMap(({ step, sentences }) => [
    ...(steps.length > 1 ? [`\nstep ${step}`] : ['']),
    ...sentences.map(({ row, cosine, article, text }, i) => {
      const named = text === null ? `row ${count(row)}` : shown(text)
      return `${String(i + 1).padStart(4)}  ${decimal(cosine)}  ${named}${article === null ? '' : `  (${shown(article)})`}`
    }),
    ...(sentences.length === 0 ? ['  no row is left in the bank'] : []),
  ])
  return [
    `${run} has read the last ${count(context.vectors)} ${what} of ${context.source === '-' ? 'stdin' : context.source}`,
    ...(last === undefined ? [] : [`the last one: ${shown(last)}`]),
    `nearest of the ${counted(bank.rows, 'row')} of ${bank.path} to the prediction, with cosine; stored sentences, not generated`,
    ...lines,
  ].join('\n')
}

export const continuing: CommandModule = {
  command: 'next <run>',
  describe: 'find the likeliest next sentences of a text or of vectors in a bank',
  builder: (y) =>
    y
      .positional('run', { type: 'string', describe: 'folder of a run, or its name below artifacts/lvm/models' })
      .options(flags(nextFields))
      .example('$0 next lstm_baseline --file story.txt --encoder all-MiniLM-L6-v2', 'ten sentences of its training data')
      .example('$0 next lstm_baseline --data vectors.npy --bank more.npy --steps 3', 'three steps, in another base'),
  handler: async (argv) => {
    const { next } = await import('../../lib/study/next/next.js')
    const asked = given(nextFields, argv)
    if (asked.file === '-' && process.stdin.isTTY) diagnostic('reading the text from the terminal; Ctrl-D ends it')
    const made = await next({ run: String(argv.run), ...asked })
    answer(made, () => textOf(made), argv.json === true)
  },
}
