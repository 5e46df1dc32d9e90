// Measures the memory of training and of inference against what it has to be: node bench/memory.mjs [--models lstm,gru,transformer] …
// Training: 16 bytes a parameter, the vectors, and the activations that the backward pass reads. Inference: the weights.
// Every row is a process of its own; its memory before the model (Node and libtorch) is subtracted. Linux only.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { SMALLER } from './gpu/subjects.mjs'
import { asked, circumstances, keep, resultsOf } from './turns.mjs'

const [ROWS, DIM, CONTEXT, BATCH, STEPS] = [42113, 768, 5, 32, 6]
const LIMITS = { training: ({ counted }) => 1.05 * counted, inference: ({ counted }) => 1.1 * counted + 60e6 }

/** Kilobytes after a key of /proc/self/status, in bytes. */
const status = (key) => 1024 * Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1])

/** The process of a row: prints the memory that it held at most beyond what it had before. */
async function row(kind, name, vectors) {
  const { findArchitecture } = await import('../dist/lib/architectures/index.js')
  const { native } = await import('../dist/lib/native.js')
  const { Tensor } = await import('../dist/lib/torch/tensor.js')
  const { useMultiplier } = await import('../dist/lib/torch/multiplier.js')
  const { activations } = await import('../dist/lib/spec/activations.js')
  const { presets, spec } = findArchitecture(name)
  const { node } = spec({ dim: DIM, context: CONTEXT }, { ...presets.target, ...SMALLER[name] })
  native.setThreads(1)
  await useMultiplier(undefined)
  const x = Tensor.from(new Float32Array(CONTEXT * DIM).fill(0.1), [1, CONTEXT, DIM])
  await (await x.op('aten::matmul', await x.op('aten::transpose.int', 1, 2))).data()
  let before = Infinity
  for (let i = 0; i < 10; i++) {
    globalThis.gc?.() // garbage and freed pages of the start would hide a part of the peak
    await sleep(50)
    before = Math.min(before, status('VmRSS'))
  }
  writeFileSync('/proc/self/clear_refs', '5') // the peak begins anew
  const model = await native.model(node, 'float32', 'cpu', 0)
  const parameters = native
    .modelState(model)
    .filter(({ trainable }) => trainable)
    .reduce((sum, { tensor }) => sum + native.tensorShape(tensor).reduce((a, b) => a * b, 1), 0)
  const parts =
    kind === 'training'
      ? { parameters: 16 * parameters, vectors: 4 * ROWS * DIM, activations: 4 * BATCH * activations(node, CONTEXT, DIM).kept }
      : { weights: 4 * parameters }
  if (kind === 'training') {
    const table = await native.tensorRead(vectors, 0, [ROWS, DIM], 'float32')
    const windows = Int32Array.from({ length: ROWS - CONTEXT }, (_, i) => i)
    const next = windows.map((i) => i + CONTEXT)
    const samples = native.samples(table, null, windows, next, CONTEXT)
    const usual = { batch: BATCH, accumulate: 1, loss: 'mse', bf16: false, sequence: false, recompute: false, seed: 0 }
    const adamw = { weightDecay: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, clip: 1, ema: 0 }
    const trainer = await native.trainer(model, samples, windows, { ...usual, ...adamw })
    await native.trainerRun(trainer, 0, 0, new Float64Array(STEPS).fill(5e-4))
  } else {
    for (let i = 0; i < 20; i++) await Tensor.wrap(await native.modelPredict(model, x.native, false)).data()
  }
  const peak = status('VmHWM') - before
  const counted = Object.values(parts).reduce((a, b) => a + b, 0)
  process.stdout.write(JSON.stringify({ kind, model: name, trainable: parameters, parts, counted, peak, process_before: before }))
}

function compare() {
  const { values } = asked(import.meta.url, {
    models: { type: 'string', default: 'lstm,gru,transformer,distilgpt2,s4,hyena,mamba2,rwkv' },
    kinds: { type: 'string', default: 'training,inference' },
    out: { type: 'string', default: resultsOf('memory') },
  })
  const folder = mkdtempSync(join(tmpdir(), 'lvm-bench-memory-'))
  const vectors = join(folder, 'vectors')
  writeFileSync(
    vectors,
    new Float32Array(ROWS * DIM).map((_, i) => Math.sin(i)),
  )
  const report = { version: 1, ...circumstances('memory.mjs'), rows: ROWS, dim: DIM, context: CONTEXT, batch: BATCH, results: [] }
  const cells = (row) => process.stdout.write(`${row.map((cell, i) => (i < 2 ? cell.padEnd(12) : cell.padStart(14))).join('')}\n`)
  const mb = (x) => `${(x / 1e6).toFixed(1)} MB`
  try {
    cells(['model', 'kind', 'counted', 'peak', 'peak/counted', 'limit', ''])
    for (const model of values.models.split(',')) {
      for (const kind of values.kinds.split(',')) {
        const child = spawnSync(
          process.execPath,
          ['--expose-gc', fileURLToPath(import.meta.url), '--row', kind, model, vectors],
          { encoding: 'utf8' },
        )
        if (child.status !== 0) throw new Error(`${model} ${kind}: ${child.stderr}`)
        const found = JSON.parse(child.stdout)
        const limit = LIMITS[kind](found)
        report.results.push({ ...found, limit, ok: found.peak <= limit })
        cells([
          model,
          kind,
          mb(found.counted),
          mb(found.peak),
          (found.peak / found.counted).toFixed(2),
          mb(limit),
          found.peak <= limit ? 'ok' : 'above',
        ])
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  keep('memory', values.out, report, [
    `Peak memory of a process beyond Node and libtorch, at batch 32, context 5, dimension 768 and 42,113 rows (\`${report.command}\`, commit ${report.commit}).`,
    'Training counts 16 bytes a parameter, the vectors, and the activations that the backward pass reads; inference counts the weights.',
    '',
    '| model | | counted | peak | peak / counted |',
    '|---|---|---|---|---|',
    ...report.results.map(
      (r) => `| ${r.model} | ${r.kind} | ${mb(r.counted)} | ${mb(r.peak)} | ${(r.peak / r.counted).toFixed(2)} |`,
    ),
  ])
  if (report.results.some(({ ok }) => !ok)) process.exitCode = 1
}

const [flag, ...rest] = process.argv.slice(2)
if (flag === '--row') await row(...rest)
else compare()
