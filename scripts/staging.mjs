// Rehearses a release on this machine: bundle, unpack, serve without a network, smoke test, load test, roll forward, roll back, drain.
// Trains its two runs itself. Prints a table, or with --json the report as JSON; --keep leaves the working folder. Exit code 8 when a step failed.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { train } from '../dist/lib/index.js'
import { bytes, duration, table } from '../dist/lib/show.js'
import { withoutNetwork } from './staging/namespace.mjs'
import { demand, recorder, say } from './staging/steps.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const data = join(root, 'data/sample/factbook')
const SEEDS = { first: 1, second: 2 }
const has = (flag) => process.argv.includes(flag)
const { steps, step } = recorder()

/** Runs a program, and returns what it wrote on stdout; its stderr is shown. */
async function output(program, ...words) {
  const child = spawn(program, words, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  const out = []
  child.stdout.on('data', (chunk) => out.push(chunk))
  const [code, signal] = await once(child, 'close')
  return { end: signal ?? code, text: Buffer.concat(out).toString() }
}

async function trainRun(folder, name, seed) {
  let result
  const options = { model: 'lstm', width: 256, data, epochs: 1, maxSteps: 60, name, seed, out: join(folder, 'runs') }
  for await (const event of train(options)) if (event.type === 'result') result = event
  return `LSTM on data/sample, validation cosine ${result.val_cosine.toFixed(4)}`
}

async function bundleRun(folder, name) {
  const out = join(folder, `${name}.tgz`)
  const words = ['bundle', join(folder, 'runs', name), '--bank', data, '--level', '1', '--out', out, '--json']
  const { end, text } = await output(process.execPath, join(root, 'dist/bin/lvm.js'), ...words)
  demand(end === 0, `bundle ended with ${end}`)
  const made = JSON.parse(text)
  return `${bytes(made.bytes)}, unpacked ${bytes(made.unpacked_bytes)} in ${made.files.toLocaleString('en-US')} files`
}

function unpack(folder, name) {
  const app = join(folder, name)
  mkdirSync(app)
  const unpacked = spawnSync('tar', ['-xzf', join(folder, `${name}.tgz`), '-C', app], { encoding: 'utf8' })
  demand(unpacked.status === 0, unpacked.stderr)
  const { status, stdout, stderr } = spawnSync(join(app, 'serve'), ['--verify'], { cwd: '/', encoding: 'utf8' })
  demand(status === 0, stderr.trim())
  return stdout.trim()
}

async function rehearse(folder) {
  for (const [name, seed] of Object.entries(SEEDS)) {
    const done =
      (await step(`train the ${name} run`, () => trainRun(folder, name, seed))) &&
      (await step(`bundle the ${name} run`, () => bundleRun(folder, name))) &&
      (await step(`unpack the ${name} bundle`, () => unpack(folder, name)))
    if (!done) return
  }
  const program = [process.execPath, join(root, 'scripts/staging/rehearsal.mjs'), folder]
  const command = withoutNetwork(...program)
  if (!command) say('       this system has no network namespaces: the server runs with the network of this machine')
  const { end, text } = await output(...(command ?? program))
  for (const line of text.trim().split('\n').filter(Boolean)) steps.push(JSON.parse(line))
  if (end !== 0) await step('rehearse', () => demand(false, `the rehearsal ended with ${end}`))
}

const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-staging-'))
const begun = performance.now()
try {
  await rehearse(folder)
} finally {
  if (has('--keep')) say(`the working folder is ${folder}`)
  else rmSync(folder, { recursive: true, force: true })
}
const failed = steps.filter(({ ok }) => !ok)
const seconds = (performance.now() - begun) / 1000
const machine = { processors: cpus().length, load: loadavg()[0], node: process.version }
const columns = {
  step: ({ step }) => step,
  '': ({ ok }) => (ok ? 'ok' : 'FAILED'),
  seconds: (one) => one.seconds.toFixed(1),
  figure: ({ figure }) => figure,
}
if (has('--json'))
  process.stdout.write(`${JSON.stringify({ version: 1, ok: failed.length === 0, seconds, machine, steps }, null, 2)}\n`)
else
  process.stdout.write(
    `\n${table(steps, columns)}\n\n${failed.length === 0 ? 'staging passed' : `staging failed: ${failed.map(({ step }) => step).join(', ')}`} in ${duration(seconds)} (${machine.processors} processors, load ${machine.load.toFixed(1)})\n`,
  )
process.exitCode = failed.length === 0 ? 0 : 8
