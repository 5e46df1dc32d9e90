// Times the verbs that judge in processes of their own: on the sample, on a larger base, and on more and more windows.
//
//   node bench/verbs.mjs [--verbs evaluate,doctor] [--data FILE] [--rows 10000,100000,1000000] [--rounds 1] [--out FILE]
//
// The larger base is --data, or a synthetic one of 42,113 × 768. Runs are trained on the way: lstm, on at most 8,192 windows. Every verb
// runs with an empty cache, then with what it kept; --rows '' leaves the last part out. Processor time is that of the process and its children, where the system tells.
// Writes bench/results/verbs.json and prints the tables.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findLibtorch } from '../dist/lib/libtorch/find.js'
import { asked, circumstances, keep, middle, resultsOf } from './turns.mjs'

/** Words of each verb; a verb without a run reads the data alone. */
const VERBS = {
  evaluate: ['evaluate', 'RUN'],
  'evaluate --latency 0': ['evaluate', 'RUN', '--latency', '0'],
  retrieve: ['retrieve', 'RUN'],
  compare: ['compare', 'RUN', 'ridge', 'exponential_mean'],
  doctor: ['doctor', 'RUN'],
  analyze: ['analyze', 'RUN'],
  ceiling: ['ceiling', '--data', 'DATA'],
  arrow: ['arrow', '--data', 'DATA'],
  quantize: ['quantize', 'RUN', '--overwrite'],
  export: ['export', 'RUN', '--overwrite'],
  report: ['report'],
  audit: ['data', 'audit', 'DATA'],
  selftest: ['selftest'],
}
/** Verbs whose time follows from the number of windows; a search of all rows for every window does not. */
const LINEAR = ['evaluate --latency 0', 'doctor', 'analyze', 'ceiling', 'arrow']
/** Exit codes of an answer: 0, and 8 for a verdict that fails. */
const ANSWERS = [0, 8]

const { values } = asked(import.meta.url, {
  verbs: { type: 'string', default: Object.keys(VERBS).join(',') },
  data: { type: 'string' },
  rows: { type: 'string', default: '10000,100000,1000000' },
  rounds: { type: 'string', default: '1' },
  threads: { type: 'string', default: String(availableParallelism()) },
  out: { type: 'string', default: resultsOf('verbs') },
})
const verbs = values.verbs.split(',').filter((name) => name in VERBS)
const cli = fileURLToPath(new URL('../dist/bin/lvm.js', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'lvm-torch-verbs-'))
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }))
const cache = join(scratch, 'cache')
const env = { ...process.env, LVM_TORCH_LIBTORCH: findLibtorch().path, LVM_TORCH_CACHE: cache, OMP_NUM_THREADS: values.threads }

/** Processor time of all child processes that have ended, with their own children; undefined where the system does not tell. */
function childSeconds() {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    return (Number(fields[13]) + Number(fields[14])) / 100 // cutime and cstime, in hundredths of a second
  } catch {
    return undefined
  }
}

function lvm(words, cwd) {
  const [began, before] = [performance.now(), childSeconds()]
  const { status, stderr } = spawnSync(process.execPath, [cli, ...words], { cwd, env, encoding: 'utf8', maxBuffer: 1 << 28 })
  if (!ANSWERS.includes(status))
    throw new Error(`verbs: lvm-torch ${words.join(' ')} ended with ${status}: ${stderr.slice(-2000)}`)
  return { seconds: (performance.now() - began) / 1000, cpu: before === undefined ? null : childSeconds() - before }
}

/** Folder with a run that was trained on the data. */
function place(name, data) {
  const folder = join(scratch, name)
  mkdirSync(folder)
  const words = ['--epochs', '1', '--max-windows', '8192', '--threads', values.threads, '--force', '--json']
  lvm(['train', 'lstm', '--data', data, ...words], folder)
  return { name, folder, data }
}
function synthetic(rows, dim) {
  const path = join(scratch, `synthetic-${rows}x${dim}.npy`)
  lvm([
    'synth',
    '--rows',
    String(rows),
    '--dim',
    String(dim),
    '--articles',
    String(Math.max(40, Math.round(rows / 200))),
    '--out',
    path,
  ])
  return path
}

/** Times a verb with an empty cache and with what it kept. */
function timed(verb, { folder, data }) {
  const words = VERBS[verb].map((word) => (word === 'RUN' ? 'lstm_baseline' : word === 'DATA' ? data : word))
  const rounds = Array.from({ length: Number(values.rounds) }, () => {
    for (const part of ['baselines', 'predictions']) rmSync(join(cache, 'lvm-torch', part), { recursive: true, force: true })
    return { first: lvm([...words, '--json'], folder), again: lvm([...words, '--json'], folder) }
  })
  const of = (key) => ({
    seconds: middle(rounds.map((round) => round[key].seconds)),
    cpu_seconds: rounds[0][key].cpu === null ? null : middle(rounds.map((round) => round[key].cpu)),
  })
  return { verb, first: of('first'), again: of('again') }
}

const report = { version: 1, ...circumstances('verbs.mjs'), threads: Number(values.threads), places: [], linear: [] }
const show = ({ seconds, cpu_seconds: cpu }) => `${seconds.toFixed(1)} (${cpu === null ? '–' : cpu.toFixed(1)})`
const measure = (at, names) =>
  names.map((verb) => {
    const one = { ...timed(verb, at), load: loadavg()[0] }
    process.stdout.write(
      `${at.name.padEnd(24)} ${verb.padEnd(22)} ${show(one.first).padStart(16)} ${show(one.again).padStart(16)}\n`,
    )
    return one
  })

process.stdout.write('seconds (of processor time), with an empty cache and again\n')
const larger = values.data === undefined ? synthetic(42_113, 768) : resolve(values.data)
const sample = fileURLToPath(new URL('../data/sample/factbook.npy', import.meta.url))
for (const [name, data] of [
  ['sample', sample],
  [basename(larger), larger],
])
  report.places.push({ name, results: measure(place(name, data), verbs) })
const sizes = values.rows.split(',').filter(Boolean).map(Number)
for (const rows of sizes) {
  const at = place(`${rows} rows`, synthetic(rows, 64))
  report.linear.push({
    rows,
    results: measure(
      at,
      verbs.filter((verb) => LINEAR.includes(verb)),
    ),
  })
  rmSync(at.folder, { recursive: true })
  rmSync(at.data)
}

/** Power of the rows that the processor time grows with from the first size to the last; 1 is linear, less is better. */
const power = (verb) => {
  const [a, b] = [report.linear[0], report.linear.at(-1)].map(({ rows, results }) => {
    const { cpu_seconds: cpu, seconds } = results.find((one) => one.verb === verb).first
    return { rows, time: cpu ?? seconds }
  })
  return Math.log(b.time / a.time) / Math.log(b.rows / a.rows)
}
report.growth = sizes.length < 2 ? [] : verbs.filter((v) => LINEAR.includes(v)).map((verb) => ({ verb, power: power(verb) }))

const row = (cells) => `| ${cells.join(' | ')} |`
const byVerb = (list, names, extra = () => []) =>
  names.map((verb) =>
    row([
      `\`${verb}\``,
      ...list.flatMap(({ results }) => {
        const { first, again } = results.find((one) => one.verb === verb)
        return [show(first), show(again)]
      }),
      ...extra(verb),
    ]),
  )
const head = (names, ...more) => {
  const titles = ['verb', ...names.flatMap((name) => [name, 'again']), ...more]
  return [row(titles), row(titles.map(() => '---'))]
}
const whole = (x) => x.toLocaleString('en-US')
const growth = () => [
  '',
  'On synthetic texts of dimension 64; the power of the rows that the processor time grows with, from the first to the last size:',
  '',
  ...head(
    sizes.map((rows) => `${whole(rows)} rows`),
    'power',
  ),
  ...byVerb(
    report.linear,
    verbs.filter((verb) => LINEAR.includes(verb)),
    (verb) => [report.growth.find((one) => one.verb === verb)?.power.toFixed(2) ?? '–'],
  ),
]
const lines = [
  `Seconds of each verb in a process of its own, and in brackets its processor time, with an empty cache and again with what it kept (\`${report.command}\`).`,
  `Seen on ${report.cpu}, ${report.threads} threads, load ${report.load_before.toFixed(1)} before, commit ${report.commit}.`,
  '',
  ...head(report.places.map(({ name }) => name)),
  ...byVerb(report.places, verbs),
  ...(sizes.length < 2 ? [] : growth()),
]
process.stdout.write(`\n${lines.join('\n')}\n`)
keep('verbs', values.out, report, lines)
