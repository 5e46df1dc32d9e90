// Compares int8 with ONNX Runtime's dynamic int8 of the same weights: validation cosine, latency and size.
//
//   node bench/quantize.mjs [--runs lstm_baseline,transformer] [--threads 1] [--seconds 3] [--out FILE]
//
// The runs are lstm, gru or transformer runs below artifacts/lvm/models. Missing int8 runs are made.
// Writes bench/results/quantize.json and prints the table.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { benchmark, evaluate, quantize } from '../dist/lib/index.js'
import { asked, circumstances, keep, pythonWith, resultsOf } from './turns.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const { values } = asked(import.meta.url, {
  runs: { type: 'string', default: 'lstm_baseline,gru_stacked,transformer' },
  threads: { type: 'string', default: '1' },
  seconds: { type: 'string', default: '3' },
  out: { type: 'string', default: resultsOf('quantize') },
})
const [threads, seconds] = [Number(values.threads), Number(values.seconds)]
const BATCHES = [1, 8, 32, 128]
const root = join('artifacts', 'lvm', 'models')
const say = (line) => process.stderr.write(`${line}\n`)

const python = pythonWith({ onnx: 'onnx', onnxruntime: 'onnxruntime' })

function onnx(run) {
  const { data } = JSON.parse(readFileSync(join(root, run, 'manifest.json'), 'utf8'))
  const input = JSON.stringify({ run: join(root, run), data: data.path, threads, seconds, batches: BATCHES })
  return JSON.parse(execFileSync(python, [join(here, 'quantize_onnx.py')], { input, encoding: 'utf8', maxBuffer: 1 << 26 }))
}

const rows = []
for (const run of values.runs.split(',')) {
  const small = `${run}_int8`
  if (!existsSync(join(root, small))) await quantize({ run, threads, say })
  const judged = await evaluate({ runs: [run, small], threads, latency: 0 })
  const { runs: timed } = await benchmark({ runs: [run, small], device: 'cpu', threads, seconds, say })
  const theirs = onnx(run)
  const ours = (i) => ({
    cosine: judged.results.runs[i].cosine.mean,
    ms: Object.fromEntries(timed[i].devices[0].batches.map(({ batch, p50_ms }) => [batch, p50_ms])),
    file_bytes: judged.results.runs[i].size.weights_bytes,
  })
  const all = {
    'lvm-torch fp32': ours(0),
    'lvm-torch int8': ours(1),
    'onnxruntime fp32': theirs.fp32,
    'onnxruntime int8': theirs.int8,
  }
  for (const [by, figures] of Object.entries(all)) rows.push({ run, by, ...figures, versions: theirs.versions })
}

const cells = rows.map(({ run, by, cosine, ms, file_bytes }) => [
  run,
  by,
  cosine.toFixed(4),
  ...BATCHES.map((batch) => ms[batch].toFixed(3)),
  `${(file_bytes / 1e6).toFixed(1)} MB`,
])
const titles = ['run', 'by', 'cosine', ...BATCHES.map((batch) => `batch ${batch}, ms`), 'weights']
const table = [titles, titles.map(() => '---'), ...cells].map((line) => `| ${line.join(' | ')} |`)
process.stdout.write(`${table.join('\n')}\n`)
const report = { version: 1, ...circumstances('quantize.mjs'), threads, rows }
keep('quantize', values.out, report, [
  `int8 beside ONNX Runtime's dynamic int8 of the same weights: cosine on the validation windows, median latency, size (\`${report.command}\`).`,
  `Seen on ${report.cpu}, ${threads} thread, load ${report.load_before.toFixed(1)} before, commit ${report.commit}; other processors give other figures.`,
  '',
  ...table,
])
