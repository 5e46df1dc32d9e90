// Compares the encoders of lvm-torch with sentence-transformers on PyTorch, in alternating rounds of one run: node bench/encode.mjs [--rounds 5] …
// Writes bench/results/encode.json and prints the table. TEXTS is a .jsonl(.gz) with a key "text", such as that of a base.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Encoder } from '../dist/lib/index.js'
import { native } from '../dist/lib/native.js'
import { asked, circumstances, keep, resultsOf, shown, summary, turns, worker } from './turns.mjs'

const { values } = asked(import.meta.url, {
  rounds: { type: 'string', default: '5' },
  texts: { type: 'string', default: new URL('../data/sample/factbook.jsonl', import.meta.url).pathname },
  count: { type: 'string', default: '256' },
  batch: { type: 'string', default: '32' },
  encoders: { type: 'string', default: 'all-mpnet-base-v2,all-MiniLM-L6-v2' },
  threads: { type: 'string', default: String(availableParallelism()) },
  out: { type: 'string', default: resultsOf('encode') },
})
const [rounds, count, batch, threads] = [values.rounds, values.count, values.batch, values.threads].map(Number)
const bytes = readFileSync(values.texts)
const lines = (values.texts.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').trim().split('\n')
const step = Math.max(1, Math.floor(lines.length / count))
const texts = lines.filter((_, i) => i % step === 0).slice(0, count)
const sentences = texts.map((line) => JSON.parse(line).text)
/** Scripts/encoders.mjs gets the encoders by name; a path is used as it is. */
const folderOf = (name) =>
  /[\\/]/.test(name)
    ? name
    : execFileSync(process.execPath, [new URL('../scripts/encoders.mjs', import.meta.url).pathname, name], {
        encoding: 'utf8',
      }).trim()

const work = mkdtempSync(join(tmpdir(), 'lvm-torch-encode-'))
process.once('exit', () => rmSync(work, { recursive: true, force: true }))
const [list, found] = ['texts.json', 'vectors.bin'].map((name) => join(work, name))
writeFileSync(list, JSON.stringify(sentences))

/** Smallest cosine of two lists of vectors. */
function leastCosine(a, b, dim) {
  let least = 1
  for (let at = 0; at < a.length; at += dim) {
    const [x, y] = [a.subarray(at, at + dim), b.subarray(at, at + dim)]
    const dot = (u, v) => u.reduce((sum, value, i) => sum + value * v[i], 0)
    least = Math.min(least, dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y)))
  }
  return least
}

const PRECISIONS = ['float32', 'bf16', 'int8']
const python = worker('encode.py', { sentence_transformers: 'sentence-transformers==6.2.0' })
const report = { version: 1, ...circumstances('encode.mjs'), threads, rounds, sentences: sentences.length, batch, results: [] }
for (const name of values.encoders.split(',')) {
  const folder = folderOf(name)
  const { versions } = await python.ask({ command: 'open', folder, threads })
  report.versions = { node: process.versions.node, libtorch: native.libtorchVersion(), ...versions }
  const encoders = {}
  for (const precision of PRECISIONS) encoders[precision] = await Encoder.open(folder, { threads, precision })
  const vectors = {}
  const ours = (precision) => async () => {
    const start = performance.now()
    vectors[precision] = await encoders[precision].encode(sentences)
    return (performance.now() - start) / 1000
  }
  const theirs = async () => (await python.ask({ command: 'encode', texts: list, out: found, batch })).seconds
  const all = Object.fromEntries(PRECISIONS.map((precision) => [precision, ours(precision)]))
  const seconds = await turns({ ...all, sentence_transformers: theirs }, rounds)
  const bytes = readFileSync(found)
  const reference = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
  for (const precision of PRECISIONS) {
    const ratio = summary(seconds.sentence_transformers.map((time, i) => time / seconds[precision][i]))
    const rates = [precision, 'sentence_transformers'].map((who) => summary(seconds[who].map((time) => sentences.length / time)))
    const cosine = leastCosine(vectors[precision], reference, encoders[precision].dim)
    report.results.push({
      encoder: basename(folder),
      precision,
      rate: rates[0],
      reference_rate: rates[1],
      ratio,
      least_cosine: cosine,
    })
    process.stdout.write(
      `${basename(folder)} ${precision.padEnd(8)} lvm-torch ${shown(rates[0])}/s  sentence-transformers ${shown(rates[1])}/s  ` +
        `ratio ${shown(ratio)}  least cosine ${cosine.toFixed(7)}\n`,
    )
  }
  for (const encoder of Object.values(encoders)) encoder.dispose()
}
python.end()
keep('encode', values.out, report, [
  `Sentences per second of ${report.sentences} sentences beside sentence-transformers in one run (\`${report.command}\`); above 1, lvm-torch is faster.`,
  `Seen on ${report.cpu}, ${threads} threads, load ${report.load_before.toFixed(1)} before, commit ${report.commit}.`,
  '',
  '| encoder | numbers | lvm-torch | sentence-transformers | ratio, median of rounds (min–max) | least cosine |',
  '|---|---|---|---|---|---|',
  ...report.results.map(
    (r) =>
      `| ${r.encoder} | ${r.precision} | ${r.rate.median.toFixed(0)} | ${r.reference_rate.median.toFixed(0)} | ${shown(r.ratio)} | ${r.least_cosine.toFixed(6)} |`,
  ),
])
