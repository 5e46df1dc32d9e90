// Compares the exact search of lvm-torch with FAISS's flat index, in alternating rounds of one run: node bench/retrieval.mjs [--rounds 5] …
// Writes bench/results/retrieval.json and prints the table. lvm-torch also ranks every target; FAISS only finds the nearest 20.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { native } from '../dist/lib/native.js'
import { useMultiplier } from '../dist/lib/torch/multiplier.js'
import { Tensor } from '../dist/lib/torch/tensor.js'
import { asked, circumstances, keep, resultsOf, shown, summary, turns, worker } from './turns.mjs'

const { values } = asked(import.meta.url, {
  rounds: { type: 'string', default: '5' },
  queries: { type: 'string', default: '4211' },
  rows: { type: 'string', default: '42113,1000000' },
  dim: { type: 'string', default: '768' },
  threads: { type: 'string', default: String(availableParallelism()) },
  out: { type: 'string', default: resultsOf('retrieval') },
})
const [rounds, n, dim, threads] = [values.rounds, values.queries, values.dim, values.threads].map(Number)
const K = 20
/** Largest round-off of a product in float32. */
const ROUNDING = 1e-5

/** Reads the numbers of an .npy file. */
function numbers(path, Kind) {
  const bytes = readFileSync(path)
  return new Kind(bytes.buffer.slice(bytes.byteOffset + 10 + bytes.readUInt16LE(8), bytes.byteOffset + bytes.length))
}

/** Counts FAISS's rows that are not among ours, and how far their cosines lie below our 20th: only round-off is allowed. */
function differences(ours, rows, least) {
  let other = 0
  let below = 0
  for (let i = 0; i < n; i++) {
    const mine = new Set(ours.rows.subarray(i * K, (i + 1) * K))
    other += rows.subarray(i * K, (i + 1) * K).filter((row) => !mine.has(row)).length
    below = Math.max(below, Math.abs(ours.cosines[(i + 1) * K - 1] - least[i]))
  }
  return { rows_that_differ: other, largest_cosine_difference: below }
}

const python = worker('retrieval.py', { faiss: 'faiss-cpu' })
const { faiss, python: pythonVersion } = await python.ask({ command: 'versions' })
native.setThreads(threads)
await useMultiplier(undefined)
const multiplier = native.multiplier()
const report = {
  version: 1,
  ...circumstances('retrieval.mjs'),
  capability: native.cpuCapability(),
  threads,
  multiplier,
  rounds,
  queries: n,
  dim,
  versions: { node: process.versions.node, libtorch: native.libtorchVersion(), faiss, python: pythonVersion },
  results: [],
}
process.stdout.write(
  `${report.cpu}, ${report.cores} cores (${report.capability}), ${threads} threads · libtorch ${report.versions.libtorch} (${multiplier}), ` +
    `FAISS ${faiss}, Node ${report.versions.node} · commit ${report.commit}\n` +
    `seconds for ${n} queries of dimension ${dim}, the nearest ${K}; median of ${rounds} rounds in turns (min–max)\n\n`,
)

const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-retrieval-'))
const [bank, queries, found] = ['bank.npy', 'queries.npy', 'found.npy'].map((name) => join(folder, name))
const end = () => rmSync(folder, { recursive: true, force: true })
process.once('exit', end)
for (const count of values.rows.split(',').map(Number)) {
  const path = bank.replace('.npy', `-${count}.npy`)
  const { target, offset } = await python.ask({ command: 'make', rows: count, dim, queries: n, bank: path, out: queries })
  const table = Tensor.map(path, { offset, shape: [count, dim], dtype: 'float16' })
  const index = native.bank(table.native)
  const wanted = Tensor.from(numbers(queries, Float32Array), [n, dim])
  const rows = { target: Int32Array.from(target), first: new Int32Array(n + 1), excluded: new Int32Array(0) }
  let ours
  let theirs
  const seconds = await turns(
    {
      lvm_torch: async () => {
        const start = performance.now()
        ours = (await native.retrieve(wanted.native, index, rows, K)).all
        return (performance.now() - start) / 1000
      },
      faiss: async () => {
        theirs = await python.ask({ command: 'search', bank: path, queries, k: K, threads, out: found })
        return theirs.seconds
      },
    },
    rounds,
  )
  const same = differences(ours, numbers(found, Int32Array), theirs.least)
  if (same.largest_cosine_difference > ROUNDING || same.rows_that_differ > (n * K) / 1000)
    throw new Error(`retrieval: expected the rows of FAISS but received ${JSON.stringify(same)}`)
  const ratio = summary(seconds.faiss.map((time, i) => time / seconds.lvm_torch[i]))
  const figures = { lvm_torch: summary(seconds.lvm_torch), faiss: summary(seconds.faiss) }
  report.results.push({ rows: count, seconds: figures, ratio, ...same, rounds: seconds })
  process.stdout.write(
    `${String(count).padStart(9)} rows  lvm-torch ${shown(figures.lvm_torch)}  FAISS ${shown(figures.faiss)}  ratio ${shown(ratio)}  ` +
      `rows that differ: ${same.rows_that_differ} of ${n * K}, by ${same.largest_cosine_difference.toExponential(1)}\n`,
  )
  native.bankDispose(index)
  table.dispose()
  wanted.dispose()
  rmSync(path)
}
python.end()
const whole = (x) => x.toLocaleString('en-US')
keep('retrieval', values.out, report, [
  `The nearest ${K} rows and the rank of every target, for ${whole(n)} queries of dimension ${dim}, beside FAISS's flat index in one run (\`${report.command}\`); above 1, lvm-torch is faster.`,
  `lvm-torch reads the bank as float16 from its file and is exact in float64; FAISS holds it in float32, and ranks no targets. Seen on ${report.cpu} (${report.capability}), ${threads} threads, load ${report.load_before.toFixed(1)} before, commit ${report.commit}.`,
  '',
  '| rows | lvm-torch, seconds | FAISS, seconds | FAISS / lvm-torch, median of rounds (min–max) |',
  '|---|---|---|---|',
  ...report.results.map(
    (r) =>
      `| ${whole(r.rows)} | ${r.seconds.lvm_torch.median.toFixed(2)} | ${r.seconds.faiss.median.toFixed(2)} | ${shown(r.ratio)} |`,
  ),
])
