import { expect, test } from 'vitest'
import { findArchitecture } from '../../lib/architectures/index.js'
import { matrixOf } from '../../lib/report/matrix.js'
import type { ReportedRun } from '../../lib/report/reported-runs.js'
import { countParameters } from '../../lib/spec/count.js'
import type { Cell } from '../../lib/sweep/cells.js'

const lstm = findArchitecture('lstm')
const sized = (preset: 'target' | 'tiny') =>
  countParameters(lstm.spec({ dim: 768, context: 5 }, lstm.presets[preset] as typeof lstm.presets.target).node)
/** A complete run of the LSTM; the columns that the matrix copies stay empty. */
const runOf = (run: string, preset: 'target' | 'tiny', loss: number): ReportedRun =>
  ({
    run, model: 'lstm', state: 'complete', problem: null, parameters: sized(preset), dim: 768, context: 5, train_seconds: null,
    best_epoch: null, epochs: 1, ended: true, val_loss: { value: loss, file: '', key: '' }, val_cosine: null, tiers: null,
    lineage: null, validation: null, validation_note: null,
  }) as unknown as ReportedRun // biome-ignore format: a record
const rowOf = (runs: readonly ReportedRun[], cells: readonly Cell[] = []) =>
  matrixOf(runs, cells, 'models').find(({ model }) => model === 'lstm')!

test('the matrix shows the run of the size of the row, although a smaller one lies in the usual folder', () => {
  const row = rowOf([
    runOf('lstm_baseline', 'tiny', 0.001),
    runOf('lstm_strong', 'target', 0.002),
    runOf('other', 'target', 0.003),
  ])
  expect(row).toMatchObject({ run: 'lstm_strong', status: 'complete', parameters: sized('target') })
})
test('of several runs of the size of the row, the one in the usual folder is shown, and without one of this size the same', () => {
  expect(rowOf([runOf('better', 'target', 0.001), runOf('lstm_baseline', 'target', 0.002)]).run).toBe('lstm_baseline')
  expect(rowOf([runOf('better', 'tiny', 0.001), runOf('lstm_baseline', 'tiny', 0.002)])).toMatchObject({
    run: 'lstm_baseline',
    status: 'other size',
  })
})
test.each([
  [0, 'the budget was used up before this model; the next call of sweep goes on'],
  [12.5, 'its share of the budget was too short; the next call of sweep goes on'],
])('a model that got %d s of the budget says: %s', (seconds, why) => {
  const cell: Cell = {
    model: 'lstm',
    run: 'lstm_baseline',
    state: 'out of budget',
    exit: null,
    signal: null,
    error: null,
    seconds,
  }
  expect(rowOf([], [cell])).toMatchObject({ status: 'out of budget', why })
})
