// int8 beside ONNX Runtime's dynamic int8 of the same weights: cosine on the validation windows, latency and size in one table.
//
//   node bench/quantize.mjs --runs lstm_baseline,transformer --data vectors.npy [--threads 1] [--seconds 3] [--json FILE]
//
// The runs are lstm, gru or transformer runs below artifacts/lvm/models, whose int8 is made where it is missing.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { benchmark, evaluate, quantize } from '../dist/lib/index.js'

const here = dirname(fileURLToPath(import.meta.url))
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: 'lstm_baseline,gru_stacked,transformer' },
    data: { type: 'string' },
    threads: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
})
if (values.data === undefined) throw new Error('quantize: expected --data FILE.npy, the vectors that the runs were trained on')
const [threads, seconds] = [Number(values.threads), Number(values.seconds)]
const BATCHES = [1, 8, 32, 128]
const root = join('artifacts', 'lvm', 'models')
const say = (line) => process.stderr.write(`${line}\n`)

const python = execFileSync(process.execPath, [join(here, '../scripts/python.mjs')], { encoding: 'utf8' })
  .trim()
  .split('\n')
  .at(-1)
if (spawnSync(python, ['-c', 'import onnx, onnxruntime']).status !== 0)
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', 'onnx', 'onnxruntime'], { stdio: ['ignore', 2, 2] })

function onnx(run) {
  const input = JSON.stringify({ run: join(root, run), data: values.data, threads, seconds, batches: BATCHES })
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
process.stdout.write(`${cpus()[0].model}, ${threads} thread(s), load ${loadavg()[0].toFixed(1)}\n\n`)
for (const line of [titles, titles.map(() => '---'), ...cells]) process.stdout.write(`| ${line.join(' | ')} |\n`)
if (values.json) writeFileSync(values.json, `${JSON.stringify({ version: 1, cpu: cpus()[0].model, threads, rows }, null, 2)}\n`)
