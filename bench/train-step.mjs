// Compares a training step of lvm-torch with PyTorch's, in turns within one run: node bench/train-step.mjs [--rounds 7] [--steps 20] …
// Writes bench/results/train-step.json and prints the table.
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { libtorchVersion, ours } from './ours.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    steps: { type: 'string', default: '20' },
    threads: { type: 'string', default: String(availableParallelism()) },
    models: { type: 'string', default: 'lstm,gru,transformer' },
    precisions: { type: 'string', default: 'fp32,bf16' },
    compile: { type: 'boolean', default: false },
    out: { type: 'string', default: join(here, 'results', 'train-step.json') },
  },
})
const [rounds, steps, threads] = [values.rounds, values.steps, values.threads].map(Number)

/** PyTorch in a process of its own, asked line by line. It idles while the other side runs. */
function worker() {
  const python = execFileSync(process.execPath, [join(here, '..', 'scripts', 'python.mjs')], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .at(-1)
  const child = spawn(python, [join(here, 'train_step.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => {}) // the end of its answers says it better
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ask = async (question) => {
    child.stdin.write(`${JSON.stringify(question)}\n`)
    const { value, done } = await answers.next()
    if (done) throw new Error('train-step: the Python worker ended; what it said stands above')
    const answer = JSON.parse(value)
    if (answer.error) throw new Error(`train-step: the Python worker says ${answer.error}`)
    return answer
  }
  return { ask, end: () => child.stdin.end() }
}

const middle = (numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}
const summary = (numbers) => ({ median: middle(numbers), min: Math.min(...numbers), max: Math.max(...numbers) })
const git = (...args) => execFileSync('git', args, { cwd: here, encoding: 'utf8' }).trim()

const python = worker()
const contestants = {
  lvm_torch: (model, precision) => ours(model, precision, steps, threads),
  pytorch_eager: async (model, precision) => (await python.ask({ model, precision, steps, threads, compile: false })).ms_per_step,
}
if (values.compile)
  contestants.pytorch_compile = async (model, precision) =>
    (await python.ask({ model, precision, steps, threads, compile: true })).ms_per_step

const { torch, python: pythonVersion, capability, models } = await python.ask({ command: 'versions' })
// The form that was published, where another is quicker at a short context.
contestants.reference = async (model, precision) =>
  (await python.ask({ model: `${model}_reference`, precision, steps, threads })).ms_per_step
const taking = (model) => Object.keys(contestants).filter((name) => name !== 'reference' || models.includes(`${model}_reference`))
const columns = [...new Set(values.models.split(',').flatMap(taking))]
const report = {
  version: 1,
  command: `node bench/train-step.mjs ${process.argv.slice(2).join(' ')}`.trim(),
  cpu: cpus()[0].model,
  cores: availableParallelism(),
  capability,
  threads,
  rounds,
  steps_per_round: steps,
  batch: 32,
  context: 5,
  dim: 768,
  versions: { node: process.versions.node, libtorch: libtorchVersion(), pytorch: torch, python: pythonVersion },
  commit: git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') ? ' with changes' : ''),
  date: new Date().toISOString(),
  load_before: loadavg()[0],
  results: [],
}
process.stdout.write(
  `${report.cpu}, ${report.cores} cores (${capability}), ${threads} threads · libtorch ${report.versions.libtorch}, ` +
    `PyTorch ${torch}, Node ${report.versions.node} · commit ${report.commit}\n` +
    `median ms a step over ${rounds} rounds of ${steps} steps in turns; ratio = PyTorch / lvm-torch of each round (min–max)\n\n`,
)
const cells = (row) => process.stdout.write(`${row.map((cell, i) => (i < 2 ? cell.padEnd(12) : cell.padStart(18))).join('')}\n`)
cells(['model', 'precision', ...columns, ...columns.slice(1).map((name) => `ratio ${name.replace('pytorch_', '')}`)])

for (const model of values.models.split(',')) {
  const names = taking(model)
  for (const precision of values.precisions.split(',')) {
    const ms = Object.fromEntries(names.map((name) => [name, []]))
    // The first round builds and warms up both sides and is not counted. Who begins alternates, so that a drift favours nobody.
    for (let round = 0; round <= rounds; round++) {
      for (const name of round % 2 ? names : names.toReversed()) {
        const time = await contestants[name](model, precision)
        if (round > 0) ms[name].push(time)
      }
    }
    const ratios = Object.fromEntries(
      names.slice(1).map((name) => [name, summary(ms[name].map((time, i) => time / ms.lvm_torch[i]))]),
    )
    report.results.push({
      model,
      precision,
      ms_per_step: Object.fromEntries(names.map((name) => [name, summary(ms[name])])),
      ratios,
      rounds: ms,
    })
    const time = (name) => (name in ms ? middle(ms[name]).toFixed(1) : '')
    const shown = (r) => (r === undefined ? '' : `${r.median.toFixed(2)} (${r.min.toFixed(2)}–${r.max.toFixed(2)})`)
    cells([model, precision, ...columns.map(time), ...columns.slice(1).map((name) => shown(ratios[name]))])
  }
}
python.end()
report.load_after = loadavg()[0]
mkdirSync(dirname(values.out), { recursive: true })
writeFileSync(values.out, `${JSON.stringify(report, null, 2)}\n`)
process.stdout.write(`\nwritten: ${values.out}\n`)

/** The README quotes the last run that was kept: ratios, and what they were seen on. */
function quote() {
  const path = join(here, '..', 'README.md')
  const rows = report.results.map(
    ({ model, precision, ratios: { pytorch_eager: r } }) =>
      `| ${model} | ${precision} | ${r.median.toFixed(2)} (${r.min.toFixed(2)}–${r.max.toFixed(2)}) |`,
  )
  const block = [
    '<!-- bench:train-step -->',
    `A training step at batch 32, context 5, dimension 768, beside PyTorch eager with fused AdamW in one run (\`${report.command}\`); above 1, lvm-torch is faster.`,
    `Seen on ${report.cpu} (${report.capability}), ${report.threads} threads, load ${report.load_before.toFixed(1)} before, commit ${report.commit}; other processors give other ratios.`,
    '',
    '| model | precision | PyTorch / lvm-torch, median of rounds (min–max) |',
    '|---|---|---|',
    ...rows,
    '<!-- /bench:train-step -->',
  ].join('\n')
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace(/<!-- bench:train-step -->[\s\S]*<!-- \/bench:train-step -->/, () => block),
  )
}
if (values.out === join(here, 'results', 'train-step.json')) quote()
