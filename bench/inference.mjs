// Compares predictions of lvm-torch with ONNX Runtime's on the same weights, float32 and int8, in alternating turns of one run:
//   node bench/inference.mjs [--models lstm,gru] [--batches 1,8] [--threads 1,2] [--precisions fp32,int8] [--rounds 7] [--seconds 0.3]
// A ratio above 1 means that lvm-torch is faster. Beside it: the bytes of the weights over the time of a call, as a share of the speed at
// which this machine reads memory, measured in the same run; weights that fit into the caches may be read faster than that.
// On a busy machine --clock least takes the shortest call of a turn, for calls of a millisecond, and --clock cpu the processor time.
// Writes bench/results/inference.json and prints the table.
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findArchitecture } from '../dist/lib/architectures/index.js'
import { freeze } from '../dist/lib/checkpoint/freeze-model.js'
import { loadPlain, loadQuantized } from '../dist/lib/checkpoint/open-model.js'
import { matricesOf } from '../dist/lib/checkpoint/quantize-matrix.js'
import { openQuantized } from '../dist/lib/checkpoint/quantized.js'
import { writeQuantized } from '../dist/lib/compress/quantize-weights.js'
import { writeSafetensors } from '../dist/lib/files/write-safetensors.js'
import { native } from '../dist/lib/native.js'
import { useMultiplier } from '../dist/lib/torch/multiplier.js'
import { Tensor } from '../dist/lib/torch/tensor.js'
import { openWeights } from '../dist/lib/weights/open-weights.js'
import { asked, circumstances, keep, middle, resultsOf, shown, summary, turns, worker } from './turns.mjs'

const { values } = asked(import.meta.url, {
  models: { type: 'string', default: 'lstm,gru,transformer,distilgpt2,mamba2,rwkv' },
  batches: { type: 'string', default: '1,8,32,128' },
  threads: { type: 'string', default: '1,2' },
  precisions: { type: 'string', default: 'fp32,int8' },
  rounds: { type: 'string', default: '7' },
  seconds: { type: 'string', default: '0.3' },
  clock: { type: 'string', default: 'wall' },
  out: { type: 'string', default: resultsOf('inference') },
})
const [DIM, CONTEXT] = [768, 5]
const numbers = (list) => list.split(',').map(Number)
const [rounds, seconds] = [values.rounds, values.seconds].map(Number)
const { clock } = values
const precisions = values.precisions.split(',')
const work = mkdtempSync(join(tmpdir(), 'lvm-torch-inference-'))
process.once('exit', () => rmSync(work, { recursive: true, force: true }))
const python = worker('inference.py', { onnx: 'onnx', onnxruntime: 'onnxruntime' })

/** Writes random weights of the preset `target`. Matrices that start at zero are filled, so that outputs can be compared. */
async function write(name) {
  const { presets, spec } = findArchitecture(name)
  const { node, options } = spec({ dim: DIM, context: CONTEXT }, presets.target)
  const model = await native.model(node, 'float32', 'cpu', 0)
  const state = native.modelState(model).map(({ name, tensor }) => ({ name, tensor: Tensor.wrap(tensor) }))
  for (const { tensor } of state) {
    const zero = tensor.shape.length === 2 && (await tensor.data()).every((value) => value === 0)
    if (zero) await tensor.change('aten::normal_', 0, 0.5 / Math.sqrt(tensor.shape[1]))
  }
  mkdirSync(join(work, name))
  const [plain, small] = ['fp32.safetensors', 'int8.safetensors'].map((file) => join(work, name, file))
  const pieces = state.map(({ name, tensor }) => ({
    name,
    shape: tensor.shape,
    dtype: 'float32',
    make: () => tensor.to({ dtype: 'float32' }).ready(),
  }))
  await writeSafetensors(plain, pieces, {})
  const matrices = matricesOf(model).map(({ name, shape, layout }) => [name, { scheme: 'int8', shape, layout }])
  await writeQuantized(small, (await openWeights(plain)).tensors, new Map(matrices), {})
  const bytes = state.reduce((sum, { tensor }) => sum + 4 * tensor.shape.reduce((a, b) => a * b, 1), 0)
  for (const { tensor } of state) tensor.dispose()
  native.dispose(model)
  const snake = (key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  const given = Object.fromEntries(Object.entries(options).map(([key, value]) => [snake(key), value ?? null]))
  return { node, options: given, plain, small, bytes }
}

/** Opens the model as load() opens a run for predictions. */
async function opened({ node, plain, small }, precision) {
  await useMultiplier(undefined)
  const o = { spec: node, dtype: 'float32', device: 'cpu', context: CONTEXT }
  if (precision === 'fp32') {
    const model = await loadPlain(plain, (await openWeights(plain)).tensors, o)
    await freeze(model, CONTEXT)
    return { model, kernels: {} }
  }
  const { kernels, model } = await loadQuantized(await openQuantized(small), small, { ...o, exact: false, activations: 'int8' })
  await freeze(model, CONTEXT)
  return { model, kernels }
}

/** Unit vectors, equal in every run. */
function contexts(batch) {
  const data = new Float32Array(batch * CONTEXT * DIM)
  let state = 1
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    data[i] = state / 2 ** 31 / Math.sqrt(DIM / 3)
  }
  return Tensor.from(data, [batch, CONTEXT, DIM])
}

/** Time of a call, by the clock. Units: milliseconds. */
async function ours(model, x) {
  const call = async () => native.dispose(await native.modelPredict(model, x.native, false))
  await call()
  const found = []
  const used = process.cpuUsage()
  const end = performance.now() + 1000 * seconds
  do {
    const start = performance.now()
    await call()
    found.push(performance.now() - start)
  } while (found.length < 2 || performance.now() < end)
  const { user, system } = process.cpuUsage(used)
  const by = { wall: () => middle(found), least: () => Math.min(...found), cpu: () => (user + system) / 1000 / found.length }
  return by[clock]()
}

/** Speed of sums over parts of a memory much larger than the caches, as the best of all parts. Units: bytes per second. */
async function readSpeed() {
  const [parts, length] = [32, 2 ** 22]
  const big = Tensor.from(new Float32Array(parts * length).fill(1), [parts, length])
  let best = Infinity
  for (let i = 0; i < 4 * parts; i++) {
    const part = await big.op('aten::select.int', 0, i % parts)
    const start = performance.now()
    const sum = await part.op('aten::sum')
    best = Math.min(best, performance.now() - start)
    sum.dispose()
    part.dispose()
  }
  big.dispose()
  return (4 * length) / (best / 1000)
}

const cosine = (a, b) => {
  const dot = (u, v) => u.reduce((sum, value, i) => sum + value * v[i], 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

const report = {
  version: 1,
  ...circumstances('inference.mjs'),
  capability: native.cpuCapability(),
  rounds,
  seconds,
  read: {},
  results: [],
}
for (const threads of numbers(values.threads)) {
  native.setThreads(threads)
  report.read[threads] = await readSpeed()
  process.stdout.write(`${threads} thread${threads > 1 ? 's' : ''} read ${(report.read[threads] / 1e9).toFixed(1)} GB/s\n`)
}
const titles = [
  'model',
  'numbers',
  'threads',
  'batch',
  'lvm-torch, ms',
  'ONNX Runtime, ms',
  'ratio (min–max)',
  'weights, GB/s',
  'of reading',
]
process.stdout.write(`\n| ${titles.join(' | ')} |\n|${'---|'.repeat(titles.length)}\n`)
const cells = ({ model, precision, threads, batch, ms, onnx_ms, ratio, weights_per_second, share }) =>
  `| ${[model, precision, threads, batch, ms.median.toFixed(3), onnx_ms.median.toFixed(3), shown(ratio), (weights_per_second / 1e9).toFixed(1), `${(100 * share).toFixed(0)} %`].join(' | ')} |`

for (const name of values.models.split(',')) {
  const written = await write(name)
  const probe = contexts(2)
  const flat = Array.from(await probe.data())
  const rows = [0, 1].map((b) =>
    Array.from({ length: CONTEXT }, (_, t) => flat.slice((b * CONTEXT + t) * DIM, (b * CONTEXT + t + 1) * DIM)),
  )
  const theirs = await python.ask({
    command: 'open',
    model: name,
    path: written.plain,
    folder: join(work, name),
    options: written.options,
    probe: rows,
  })
  report.versions = { node: process.versions.node, libtorch: native.libtorchVersion(), ...theirs.versions }
  for (const precision of precisions) {
    for (const threads of numbers(values.threads)) {
      native.setThreads(threads)
      const { model, kernels } = await opened(written, precision)
      const output = Tensor.wrap(await native.modelPredict(model, probe.native, false))
      const own = Array.from(await output.data())
      output.dispose()
      const agreement = Math.min(...[0, 1].map((b) => cosine(own.slice(b * DIM, (b + 1) * DIM), theirs.outputs[precision][b])))
      if (agreement < (precision === 'fp32' ? 0.99999 : 0.98))
        throw new Error(`${name} ${precision}: the outputs differ, cosine ${agreement}`)
      for (const batch of numbers(values.batches)) {
        const x = contexts(batch)
        const times = await turns(
          {
            lvm_torch: () => ours(model, x),
            onnx: async () => (await python.ask({ command: 'time', kind: precision, threads, batch, seconds, clock })).ms,
          },
          rounds,
        )
        x.dispose()
        const ratio = summary(times.onnx.map((time, i) => time / times.lvm_torch[i]))
        const bytes = precision === 'fp32' ? written.bytes : statSync(written.small).size
        const weights_per_second = bytes / (middle(times.lvm_torch) / 1000)
        const share = weights_per_second / report.read[threads]
        const ms = summary(times.lvm_torch)
        const row = {
          model: name,
          precision,
          threads,
          batch,
          ms,
          onnx_ms: summary(times.onnx),
          ratio,
          bytes,
          weights_per_second,
          share,
          agreement,
          kernels,
        }
        report.results.push(row)
        process.stdout.write(`${cells(row)}\n`)
      }
      native.dispose(model)
    }
  }
  probe.dispose()
  rmSync(join(work, name), { recursive: true })
}
python.end()
keep('inference', values.out, report, [
  `Predictions of a context of 5 vectors of 768 numbers beside ONNX Runtime on the same weights (\`${report.command}\`); above 1, lvm-torch is faster.`,
  `Seen on ${report.cpu} (${report.capability}), load ${report.load_before.toFixed(1)} before, commit ${report.commit}; reading memory: ${Object.entries(
    report.read,
  )
    .map(([threads, speed]) => `${(speed / 1e9).toFixed(1)} GB/s by ${threads}`)
    .join(', ')} threads.`,
  '',
  `| ${titles.join(' | ')} |`,
  `|${'---|'.repeat(titles.length)}`,
  ...report.results.map(cells),
])
