// Compares the objectives of a history: targets per second of whole articles, each read once (--objective sequence), and of windows of
// the same history (--objective last); and measures the memory of long articles with each residual, beside the estimate.
//   node bench/history.mjs --data F [--models lstm,transformer,mamba2] [--preset target] [--rounds 3] [--memory 4096,16384]
// Prints one line per model, and one per residual and article length. --rounds 0 leaves the speed out, --memory "" the memory.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { native } from '../dist/lib/native.js'
import { estimate } from '../dist/lib/train/estimate.js'
import { prepare } from '../dist/lib/train/prepare.js'
import { plan } from '../dist/lib/train/recipe.js'
import { closeSession, openSession } from '../dist/lib/train/session.js'
import { asked, circumstances, middle, turns } from './turns.mjs'

const DIM = 768
const { values } = asked(
  import.meta.url,
  {
    data: { type: 'string' },
    models: { type: 'string', default: 'lstm,transformer,mamba2' },
    preset: { type: 'string', default: 'target' },
    history: { type: 'string', default: 'article' },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '1' },
    memory: { type: 'string', default: '4096,16384' },
  },
  { missing: ({ data, rounds }) => (data === undefined && rounds !== '0' ? 'Expected --data' : undefined) },
)

/** Opens a training; `step` trains one step and returns seconds and targets. */
async function opened(model, objective) {
  const how = plan(model, { data: values.data, preset: values.preset, history: values.history, objective })
  const data = await prepare(how.train)
  const { node: spec } = how.architecture.spec({ dim: data.train.base.dim, context: data.context }, how.model)
  const sizes = { dim: data.train.base.dim, context: data.context, dataBytes: data.bytes }
  const { recompute } = estimate(how.train, spec, sizes)
  const session = await openSession(how, data, { spec, device: 'cpu', threads: Number(values.threads), recompute })
  let [at, targets] = [0, 0]
  return {
    async step() {
      const start = performance.now()
      await native.trainerRun(session.trainer, 1, at++, Float64Array.of(1e-4))
      const seconds = (performance.now() - start) / 1000
      const before = targets
      targets = native.trainerSums(session.trainer).windows
      return seconds / (targets - before)
    },
    close() {
      closeSession(session)
      data.dispose()
    },
  }
}

/** Prints the targets per second of both objectives, and their ratio. */
async function speed(model) {
  const objectives = { last: await opened(model, 'last'), sequence: await opened(model, 'sequence') }
  const contestants = Object.fromEntries(Object.entries(objectives).map(([name, { step }]) => [name, step]))
  const times = await turns(contestants, Number(values.rounds))
  for (const one of Object.values(objectives)) one.close()
  const rate = (name) => 1 / middle(times[name])
  console.log(
    `${model}: ${rate('last').toFixed(0)} targets/s from windows, ${rate('sequence').toFixed(0)} from whole articles: ${(rate('sequence') / rate('last')).toFixed(1)} times`,
  )
}

/** Writes two articles of so many vectors and one target; returns the path. */
function longArticles(folder, vectors) {
  const rows = 2 * (vectors + 1)
  const values = Float32Array.from({ length: rows * DIM }, () => (Math.random() - 0.5) / 8)
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${DIM}), }`.padEnd(117)
  const path = join(folder, `${vectors}.npy`)
  writeFileSync(path, Buffer.concat([Buffer.from(`\x93NUMPY\x01\x00\x76\x00${header}\n`, 'latin1'), Buffer.from(values.buffer)]))
  const side = Array.from({ length: rows }, (_, i) =>
    JSON.stringify({ article_id: i > vectors ? 'b' : 'a', index: i % (vectors + 1) }),
  )
  writeFileSync(path.replace('.npy', '.jsonl'), `${side.join('\n')}\n`)
  return path
}

/** Trains one step over a long article in a process of its own, and prints its peak memory beside the estimate. */
function memory(folder, residual, vectors) {
  const cli = fileURLToPath(new URL('../dist/bin/lvm.js', import.meta.url))
  const words = ['train', 'gru', '--preset', 'tiny', '--data', join(folder, `${vectors}.npy`), '--residual', residual]
  words.push('--history', 'article', '--objective', 'sequence', '--batch-vectors', String(vectors), '--max-steps', '1')
  words.push('--force', '--overwrite', '--json', '--threads', values.threads, '--out', folder, '--name', residual)
  const { stdout, stderr, status } = spawnSync(process.execPath, [cli, ...words], { encoding: 'utf8', maxBuffer: 2 ** 26 })
  if (status !== 0) throw new Error(stderr)
  const events = stdout.trim().split('\n').map(JSON.parse)
  const peak = Math.max(...events.filter(({ type }) => type === 'epoch').map((e) => e.peak_memory_bytes))
  const { memory_bytes: expected } = events.find(({ type }) => type === 'start').estimate
  const mb = (bytes) => `${Math.round(bytes / 1e6)} MB`
  console.log(`residual ${residual}, ${vectors} vectors: peak ${mb(peak)}, estimate ${mb(expected)}`)
}

console.log(circumstances('history.mjs'))
native.setThreads(Number(values.threads))
if (values.rounds !== '0') for (const model of values.models.split(',')) await speed(model)
const folder = mkdtempSync(join(tmpdir(), 'lvm-history-'))
try {
  for (const vectors of values.memory.split(',').filter(Boolean).map(Number)) {
    longArticles(folder, vectors)
    for (const residual of ['none', 'mean', 'decay', 'memory']) memory(folder, residual, vectors)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
