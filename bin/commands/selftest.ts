import type { CommandModule } from 'yargs'
import { ERRORS } from '../../lib/errors.js'
import { selftestFields } from '../../lib/evaluate/evaluate-fields.js'
import { counted, table } from '../../lib/show.js'
import { flags, given } from '../flags.js'
import { answer } from '../output.js'

const shown = (value: number | string | null) =>
  typeof value === 'number' ? (Math.abs(value) < 1e-4 && value !== 0 ? value.toExponential(1) : String(+value.toFixed(4))) : value

export const selftesting: CommandModule = {
  command: 'selftest',
  describe: 'check every metric and gate with predictors whose score is known',
  builder: (y) => y.options(flags(selftestFields)).example('$0 selftest', 'exit code 8 if an instrument is invalid'),
  handler: async (argv) => {
    const { FAULTS } = await import('../../lib/study/selftest/gates.js')
    const { selftest } = await import('../../lib/study/selftest/selftest.js')
    const made = await selftest(given(selftestFields, argv))
    const faults = made.trials.flatMap((t) => t.faults.map((fault) => `${t.name}: ${fault}: ${FAULTS[fault]}`))
    const text = () =>
      [
        `${counted(made.windows, 'window')} of ${counted(made.articles, 'article')}, dimension ${made.dim}, seed ${made.seed}\n`,
        table(made.trials, {
          instrument: (t) => t.name,
          kind: (t) => t.kind,
          verdict: (t) => t.verdict,
          'what it gave': (t) =>
            Object.entries(t.values)
              .map(([key, value]) => `${key} ${shown(value)}`)
              .join(', '),
        }),
        ...(faults.length === 0 ? [] : ['', ...faults]),
        `\n${made.valid ? 'every instrument is valid' : 'the figures of an invalid instrument are wrong'}`,
      ].join('\n')
    answer(made, text, argv.json === true)
    if (!made.valid) process.exitCode = ERRORS.GATE_FAILED.exit
  },
}
