// Compares steps of two ranks, of one thread each, with those of one process that has half the batch, or two threads:
// node bench/ranks.mjs [--model transformer] [--rounds 10] [--seconds 3] …
// All trainings run at once, but only one at a time goes on while the others are stopped, so that all see the machine in the same state.
// `two processes` are two trainings beside each other that exchange nothing. Needs a POSIX system and a machine that nothing else uses.
// Writes bench/results/ranks.json and prints the table.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { asked, circumstances, middle, resultsOf } from './turns.mjs'

const { values } = asked(import.meta.url, {
  model: { type: 'string', default: 'transformer' },
  batch: { type: 'string', default: '32' },
  rounds: { type: 'string', default: '10' },
  seconds: { type: 'string', default: '3' },
  out: { type: 'string', default: resultsOf('ranks') },
})
const [batch, rounds, seconds] = [values.batch, values.rounds, values.seconds].map(Number)
const cli = fileURLToPath(new URL('../dist/bin/lvm.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-bench-'))
const started = []
process.on('exit', () => {
  for (const { pid } of started) send(pid, 'SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})
process.on('SIGINT', () => process.exit(130))

/** Sends a signal to a training and its other ranks. */
function send(pid, signal) {
  try {
    process.kill(-pid, signal)
  } catch {} // it has ended
}

const data = join(folder, 'data.npy')
const size = ['--rows', '20000', '--dim', '768', '--articles', '200']
execFileSync(process.execPath, [cli, 'synth', ...size, '--out', data])

/** Moments of the steps of a training that are on disk. */
function moments(name) {
  const file = join(folder, name, 'metrics.jsonl')
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line)).flatMap(({ type, seconds }) => (type === 'step' ? [seconds] : []))
}

const WARM_UP = 8

/** Starts a training, waits for its first steps and stops it. */
async function begin(name, words, { env = {}, threads = 1 } = {}) {
  const all = [
    'train',
    values.model,
    '--data',
    data,
    '--epochs',
    '50',
    '--out',
    folder,
    '--name',
    name,
    '--threads',
    `${threads}`,
  ]
  const options = { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'], detached: true }
  const child = spawn(process.execPath, [cli, ...all, '--log-every', '1', '--force', '--quiet', ...words], options)
  started.push(child)
  while (moments(name).length < WARM_UP) {
    if (child.exitCode !== null) throw new Error(`${name}: ended with ${child.exitCode}`)
    await sleep(100)
  }
  send(child.pid, 'SIGSTOP')
  return { name, pid: child.pid }
}

const half = ['--batch-size', `${batch / 2}`]
const whole = ['--batch-size', `${batch}`]
const two = [...whole, '--processes', '2']
const contestants = {
  'one process, half the batch': [await begin('half', half)],
  'two processes, half the batch each': [await begin('left', half), await begin('right', half)],
  'one process of two threads': [await begin('threads', whole, { threads: 2 })],
  'two ranks': [await begin('ranks', two)],
  'two ranks, --shard-optimizer': [await begin('parts', [...two, '--shard-optimizer'])],
  'two ranks, LVM_TORCH_SHARED_MEMORY=0': [await begin('network', two, { env: { LVM_TORCH_SHARED_MEMORY: '0' } })],
}
const report = { version: 1, ...circumstances('ranks.mjs'), model: values.model, batch, results: [] }
for (let round = 0; round < rounds; round++)
  for (const trainings of Object.values(contestants)) {
    for (const { pid } of trainings) send(pid, 'SIGCONT')
    await sleep(seconds * 1000)
    for (const { pid } of trainings) send(pid, 'SIGSTOP')
  }

for (const [name, trainings] of Object.entries(contestants)) {
  const steps = trainings.flatMap((training) => {
    const at = moments(training.name).slice(WARM_UP)
    return at.slice(1).map((moment, i) => moment - at[i])
  })
  const own = steps.filter((step) => step < seconds / 2) // the others were stopped in between
  report.results.push({ name, steps: own.length, ms_per_step: 1000 * middle(own) })
}
const first = report.results[0].ms_per_step
const lines = [
  '| steps of | ms a step | ratio |',
  '| --- | --- | --- |',
  ...report.results.map(({ name, ms_per_step: ms }) => `| ${name} | ${ms.toFixed(0)} | ${(ms / first).toFixed(2)} |`),
]
console.log(
  `${report.cpu}, ${values.model}, batches of ${batch}, one thread for each process unless said otherwise\n\n${lines.join('\n')}`,
)
writeFileSync(values.out, `${JSON.stringify(report, null, 2)}\n`) // not by `keep`, whose share of the processor is this process's
console.log(`\nwritten: ${values.out}`)
process.exit(0)
