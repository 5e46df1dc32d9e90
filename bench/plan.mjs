// plan.mjs: compares what `plan` says with what ten trainings took: memory, time of steps and evaluations, saves. Each training follows
// its plan, so that both find the machine in the same state; times are multiplied by the share of the processor that each got.
// node bench/plan.mjs [--rounds N] [--only PART] [--from PLACE]

import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    from: { type: 'string', default: '0' },
  },
})
const cli = fileURLToPath(new URL('../dist/bin/lvm.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true }))

/** Trainings: rows, dimension and articles of their data, and their options. */
const CASES = [
  [6000, 384, 120, 'lstm --max-steps 300 --train-eval 1024'],
  [6000, 256, 60, 'gru --batch-size 64 --max-steps 150 --ema 0.99 --train-eval 1024'],
  [2000, 384, 40, 'lstm --processes 2 --max-steps 50'],
  [1500, 768, 20, 'mlp --batch-size 256 --max-steps 20'],
  [1500, 256, 20, 'transformer --layers 2 --context 16 --batch-size 16 --max-steps 20'],
  [1500, 256, 20, 'transformer --layers 2 --processes 2 --shard-optimizer --ema 0.99 --batch-size 16 --max-steps 30'],
  [1500, 128, 20, 'mamba2 --layers 2 --context 12 --batch-size 16 --max-steps 20 --objective sequence'],
  [1500, 64, 20, 'rwkv --layers 2 --context 8 --max-steps 20'],
  [1500, 256, 30, 'gru --recipe strong --max-steps 20'],
  [1500, 512, 30, 'lstm --width 1024 --layers 3 --batch-size 8 --max-steps 20 --ema 0.99'],
].map(([rows, dim, articles, options]) => [
  rows,
  dim,
  articles,
  options.includes('--train-eval') ? options : `${options} --train-eval 512`,
])

/** Runs a verb with --json and returns its events, or its answer, with the moments at which they came. */
function run(words) {
  const child = spawn(process.execPath, [cli, ...words, '--json'], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] })
  const events = []
  let text = ''
  createInterface({ input: child.stdout }).on('line', (line) => {
    text += `${line}\n`
    if (line.startsWith('{"')) events.push({ at: performance.now() / 1000, ...JSON.parse(line) })
  })
  return new Promise((done, fail) => {
    child.on('close', (code) => (code === 0 ? done({ events, text }) : fail(new Error(`${words.join(' ')}: ${code}\n${text}`))))
  })
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]

async function once([rows, dim, articles, options], data) {
  const words = [...options.split(' '), '--threads', '1']
  const size = ['--rows', rows, '--dim', dim, '--article-rows', rows / articles].map(String)
  const plan = JSON.parse((await run(['plan', ...words, ...size])).text)
  const { events } = await run(['train', ...words, '--data', data, '--force', '--overwrite', '--name', 'bench'])
  const epochs = events.filter(({ type }) => type === 'epoch')
  const saved = events.filter(({ type }) => type === 'saved')
  const { time, counts } = plan
  return {
    memory: { planned: plan.memory.bytes, used: Math.max(...epochs.map((row) => row.peak_memory_bytes)) },
    seconds: {
      planned: time.step_seconds.least * counts.steps + time.evaluation_seconds * epochs.length,
      used: epochs.reduce((sum, { seconds, cpu_share }) => sum + seconds * (cpu_share ?? 1), 0),
    },
    disk: {
      planned: plan.checkpoint.final_bytes + plan.checkpoint.best_bytes,
      used: sizeOf('final_model.pt') + sizeOf('best_model.pt'),
    },
    parameters: plan.parameters,
    saves: saved.length,
    share: [time.cpu_share, median(epochs.map(({ cpu_share }) => cpu_share ?? 1))],
  }
}

const sizeOf = (name) => readFileSync(join(folder, 'artifacts/lvm/models/bench', name)).byteLength
const off = (rounds, key) => {
  const [planned, used] = ['planned', 'used'].map((side) => median(rounds.map((round) => round[key][side])))
  return { planned, used, off: `${planned < used ? '−' : '+'}${Math.abs(100 * (planned / used - 1)).toFixed(0)} %` }
}

console.log(`${cpus()[0].model}, ${cpus().length} processors, one thread for each process, median of ${values.rounds}\n`)
console.log(
  '| training | rows × dim | parameters | memory planned | used | off | seconds planned | used | off | checkpoint planned | used |',
)
console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |')
for (const one of CASES.slice(Number(values.from)).filter(([, , , options]) => options.includes(values.only))) {
  const [rows, dim, articles, options] = one
  const data = join(folder, 'data.npy')
  execFileSync(process.execPath, [cli, 'synth', '--rows', rows, '--dim', dim, '--articles', articles, '--out', data].map(String))
  const words = [...options.split(' '), '--threads', '1', '--data', data, '--force', '--name', 'bench', '--overwrite']
  await run(['train', ...words, '--max-steps', '1']) // makes the audit known, which takes memory of its own
  const rounds = []
  for (let i = 0; i < Number(values.rounds); i++) rounds.push(await once(one, data))
  const [memory, seconds, disk] = ['memory', 'seconds', 'disk'].map((key) => off(rounds, key))
  const mb = (n) => (n / 1e6).toFixed(0)
  const cells = [options, `${rows} × ${dim}`, `${(rounds[0].parameters / 1e6).toFixed(1)} M`]
  cells.push(mb(memory.planned), mb(memory.used), memory.off, seconds.planned.toFixed(1), seconds.used.toFixed(1), seconds.off)
  cells.push(mb(disk.planned), mb(disk.used))
  console.log(`| ${cells.join(' | ')} |`)
  console.error(rounds.map(({ share }) => share.map((x) => x?.toFixed(2)).join('/')).join(' '))
}
