// Checks lvm-torch on a machine with an NVIDIA GPU in at most 8 minutes, without network: npm run check:gpu [-- --device cuda:0]
// Builds against the PyTorch of --python, compares results with the CPU's, and times steps and predictions beside PyTorch's.
// --patience multiplies the seconds of each stage, for a busy machine; --built takes the addon of this clone, with its libtorch.
// Prints a line per stage at once and a table at the end; --out receives everything after every stage. --device cpu walks the same path.
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { asked, circumstances } from '../turns.mjs'
import { buildFor, pythonFacts } from './build.mjs'
import { STAGES } from './stages.mjs'
import { table } from './table.mjs'

const { values } = asked(import.meta.url, {
  device: { type: 'string', default: 'cuda:0' },
  python: { type: 'string', default: process.env.LVM_TORCH_USE_PYTORCH ?? 'python3' },
  out: { type: 'string', default: 'artifacts/check-gpu.json' },
  stages: { type: 'string', default: STAGES.map(({ name }) => name).join(',') },
  seconds: { type: 'string', default: '470' },
  patience: { type: 'string', default: '1' },
  built: { type: 'boolean', default: false },
})
const here = dirname(fileURLToPath(import.meta.url))
const root = resolve(here, '..', '..')
const out = resolve(values.out)
const began = performance.now()
const spent = () => (performance.now() - began) / 1000
const report = { version: 1, ...circumstances('gpu/check.mjs'), device: values.device, python: null, stages: [], finished: false }
let child
let stopping = false

const write = () => {
  mkdirSync(dirname(out), { recursive: true })
  writeFileSync(out, `${JSON.stringify({ ...report, seconds: spent() }, null, 2)}\n`)
}
const line = ({ name, ok, seconds, said }) =>
  process.stdout.write(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(10)} ${seconds.toFixed(1).padStart(6)} s  ${said}\n`)

/** Ends a child and what it started, by their group. */
const end = (signal) => {
  try {
    if (child?.pid) process.kill(-child.pid, signal)
  } catch {} // it has ended
}

/** Runs a stage in a process of its own, so that a crash or a hang is the stage's. Its lines of JSON are its findings so far. */
async function run({ name, budget }, env) {
  const from = performance.now()
  const allowed = Number(values.patience) * Math.min(budget, Number(values.seconds) - spent() / Number(values.patience))
  if (allowed < 5) return { name, ok: false, seconds: 0, said: 'no time is left', found: {} }
  const { ceilings } = report.stages.find((stage) => stage.name === 'ceilings')?.found ?? {}
  const options = JSON.stringify({ device: values.device, python: values.python, seconds: allowed - 2, ceilings })
  child = spawn(process.execPath, [join(here, 'stage.mjs'), name, options], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const found = {}
  let errors = ''
  createInterface({ input: child.stdout }).on('line', (text) => {
    try {
      Object.assign(found, JSON.parse(text))
    } catch {
      errors += `${text}\n`
    }
  })
  child.stderr.on('data', (text) => {
    errors = `${errors}${text}`.slice(-4000)
  })
  const timer = setTimeout(() => end('SIGKILL'), allowed * 1000)
  const [code, signal] = await new Promise((done) => child.on('close', (...how) => done(how)))
  clearTimeout(timer)
  const seconds = (performance.now() - from) / 1000
  const faults = found.faults ?? []
  const last = errors.trim().split('\n').at(-1)
  const why = signal
    ? seconds > allowed - 1
      ? `stopped after its ${Math.round(allowed)} s`
      : `ended by ${signal}`
    : code !== 0
      ? `exit code ${code}: ${last}`
      : faults.join('; ')
  const ok = code === 0 && faults.length === 0
  return { name, ok, seconds, said: ok ? (found.said ?? '') : why, found, ...(ok ? {} : { errors }) }
}

function stop(signal) {
  if (stopping) process.exit(130)
  stopping = true
  process.stdout.write(`${signal}: writing what there is\n`)
  end('SIGKILL')
}
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop)

async function main() {
  const wanted = values.stages.split(',')
  const timed = async (name, work) => {
    const from = performance.now()
    let stage
    try {
      stage = { name, ok: true, ...(await work()) }
    } catch (error) {
      stage = { name, ok: false, said: error.message, found: {} }
    }
    report.stages.push({ ...stage, seconds: (performance.now() - from) / 1000 })
    line(report.stages.at(-1))
    write()
    return stage.ok
  }
  const known = await timed('python', () => {
    report.python = pythonFacts(values.python, values.device)
    return { said: report.python.said, found: report.python }
  })
  let env = {}
  const built =
    known &&
    (await timed('build', async () => {
      const made = await buildFor(root, values.python, { existing: values.built, started: (process) => (child = process) })
      env = made.env
      return { said: made.said, found: made }
    }))
  if (built) {
    for (const stage of STAGES.filter(({ name }) => wanted.includes(name))) {
      if (stopping) break
      report.stages.push(await run(stage, env))
      line(report.stages.at(-1))
      write()
    }
  }
  report.finished = built && !stopping
  write()
  process.stdout.write(`\n${table(report)}\n\nwritten: ${out} (${spent().toFixed(0)} s)\n`)
  process.exitCode = stopping ? 130 : report.stages.every(({ ok }) => ok) && report.finished ? 0 : 1
}

await main()
