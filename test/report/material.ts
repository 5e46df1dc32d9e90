import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { evaluate, type Report, report } from '../../lib/index.js'
import { place, trained, vectorFile } from '../train/runs.js'

/** Text that runs as code or breaks the markup unless it is escaped. */
export const HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">\u0000\ud800 & \u2028'
/** Text of a language that is written from right to left. */
export const RIGHT_TO_LEFT = 'שלום לעולם.'
/** Name of a run that is a spreadsheet formula, contains terminal controls and is not allowed in XML. */
export const ODD = '=odd <b>&\x1b[2J\u202e`'
export const models = place('models')
export const evaluation = place('evaluation')
export const at = (name: string) => join(evaluation, name)
export const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
export const write = (name: string, value: unknown) =>
  writeFileSync(at(name), typeof value === 'string' ? value : JSON.stringify(value))

/** Makes four evaluated runs and documents with hostile text. */
export async function makeRuns(): Promise<void> {
  const data = await vectorFile('report', {
    articles: 60,
    length: 20,
    text: (row) => `${row % 2 ? HOSTILE : RIGHT_TO_LEFT} ${row}`,
  })
  const small = { data, preset: 'tiny', epochs: 2, threads: 1, out: models, maxWindows: 300 } as const
  for (const [model, name] of [['lstm', 'lstm_baseline'], ['gru', ODD], ['lstm', 'seeded']] as const) // biome-ignore format: pairs
    await trained({ ...small, model, name, ...(name === 'seeded' && { seed: 7 }) })
  await trained({ ...small, model: 'mlp', name: 'mlp', split: 'windows' })
  const runs = ['lstm_baseline', ODD, 'mlp', 'seeded'].map((name) => join(models, name))
  await evaluate({ runs, out: evaluation, latency: 0 })
  const example = {
    row: 1,
    title: HOSTILE,
    article: HOSTILE,
    cosine: 0.1,
    context: HOSTILE,
    target: HOSTILE,
    predicted: HOSTILE,
    predicted_cosine: 0.5,
  }
  write('error_analysis.json', {
    version: 1,
    runs: [
      {
        run: 'lstm_baseline', rows: 'val', n: 2, seed: 0, clusters: [{ name: HOSTILE, n: 2 }], confusion: [[2]], csv: 'analysis/none.csv',
        agreement: { value: 1, chance: 1, kappa: 0 }, projection: { method: 'none', points: 0 }, similarity_correlation: null,
        by_length: [], by_position: [], by_category: [], by_article: [{ label: HOSTILE, n: 2, articles: 1, cosine: { mean: 0.1, ci95: null } }],
        best: [example], worst: [example],
      }, // biome-ignore format: one entry
    ],
  })
  write('retrieval_results.json', { version: 1, runs: [{ run: 'mlp', weights_sha256: '0'.repeat(64), scores: null }] })
  write('sweep.json', {
    version: 1, data, options: {}, budget_seconds: null, runs: models,
    cells: [{ model: 'transformer', run: 'transformer', state: 'failed', exit: null, signal: 'SIGKILL', error: { code: 'SIGKILL', message: 'killed' }, seconds: 1 }],
  }) // biome-ignore format: one document
}

/** Makes the runs, the documents and their report. */
export async function makeReport(): Promise<{ made: Report; page: string }> {
  await makeRuns()
  const { report: made } = await report({ runs: models, out: evaluation })
  return { made, page: readFileSync(at('report.html'), 'utf8') }
}
