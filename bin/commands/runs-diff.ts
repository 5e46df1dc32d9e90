import type { Argv, CommandModule } from 'yargs'
import type { RunDiff } from '../../lib/checkpoint/diff-runs.js'
import { NONE, oneLine, table } from '../../lib/show.js'
import { answer } from '../output.js'

const written = (value: unknown): string =>
  value === undefined || value === null ? NONE : typeof value === 'string' ? oneLine(value) : JSON.stringify(value)

/** The settings that differ as a table, then the others in one list. */
export function diffText({ a, b, settings }: RunDiff): string {
  const [left, right] = a.run === b.run ? [a.path, b.path] : [a.run, b.run]
  const [differ, same] = [settings.filter((pair) => !pair.same), settings.filter((pair) => pair.same)]
  const facts = [
    { key: 'best epoch', a: a.best_epoch, b: b.best_epoch },
    { key: 'val loss', a: a.val_loss?.toFixed(6), b: b.val_loss?.toFixed(6) },
    { key: 'val cosine', a: a.val_cosine?.toFixed(4), b: b.val_cosine?.toFixed(4) },
  ]
  const sides = (rows: readonly { readonly key: string; readonly a: unknown; readonly b: unknown }[], title: string) =>
    table(rows, { [title]: (r) => r.key, [`A ${left}`]: (r) => written(r.a), [`B ${right}`]: (r) => written(r.b) })
  return [
    differ.length === 0 ? 'the settings are the same' : sides(differ, 'differs'),
    '',
    sides(facts, 'result'),
    ...(same.length === 0 ? [] : ['', table(same, { 'same in both': (r) => r.key, value: (r) => written(r.a) })]),
  ].join('\n')
}

/** `runs diff A B`; `rootOf` reads the folder of the runs. */
export const diff = (rootOf: (argv: Readonly<Record<string, unknown>>) => string): CommandModule => ({
  command: 'diff <a> <b>',
  describe: 'show the settings of two runs side by side, those that differ first',
  builder: (y: Argv) =>
    y
      .positional('a', { type: 'string', describe: 'folder of a run, or its name in the folder of the runs' })
      .positional('b', { type: 'string', describe: 'the other run' })
      .example('$0 runs diff lstm_baseline gru_stacked', 'which settings of the two runs differ'),
  handler: async (argv) => {
    const { diffRuns } = await import('../../lib/checkpoint/diff-runs.js')
    const found = await diffRuns(String(argv.a), String(argv.b), rootOf(argv))
    answer({ version: 1, ...found }, () => diffText(found), argv.json === true)
  },
})
