// The part of a rehearsal that has no network: serves the unpacked bundles of a folder and prints each step as a line of JSON.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { load, openBase } from '../../dist/lib/index.js'
import { isOffline } from './namespace.mjs'
import { childrenOf, startBundle } from './served-bundle.mjs'
import { errors, largestDifference, metrics, predictions, retrieval, sessions } from './smoke-test.mjs'
import { steadyLoad } from './steady-load.mjs'
import { demand, recorder } from './steps.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const folder = process.argv[2]
const [BATCH, CONTEXT, CLIENTS, LOAD_MS] = [2, 5, 16, 2000]
/** Rates of the load test. Units: requests per second */
const RATE = 50
/** Limit of a restart; a machine that is busy with other work gets the time that the first start took. Units: s */
const RESTART_SECONDS = 3
const RUNS = ['first', 'second']
const sleep = (ms) => new Promise((done) => setTimeout(done, ms))
const { steps, step } = recorder()

/** Contexts from the sample, and what each run answers in this process. */
async function answersHere() {
  const base = await openBase(join(root, 'data/sample/factbook'))
  const bank = await (await base.vectors.to({ dtype: 'float32' })).data()
  const { dim } = base
  const contexts = bank.slice(0, BATCH * CONTEXT * dim)
  const expected = {}
  for (const name of RUNS) {
    const model = await load(join(folder, name, 'runs', name), { device: 'cpu' })
    expected[name] = await model.predict(contexts, { context: CONTEXT })
    model.dispose()
  }
  return { bank, dim, contexts, shape: [BATCH, CONTEXT, dim], expected }
}

const list = join(folder, 'models')
/** Names the run that is served as «model». */
const point = (path) => writeFileSync(list, `model=${path}\n`)
const runOf = (name) => join(folder, name, 'runs', name)

/** Sends load while something happens, and demands that no request was lost, wrong or refused; returns the counts. */
async function underLoad(server, here, happens) {
  const nearest = (answer) => RUNS.find((name) => largestDifference(answer, here.expected[name]) < 1e-5)
  const traffic = steadyLoad(server.url, { contexts: here.contexts, shape: here.shape, clients: CLIENTS, recognise: nearest })
  await sleep(LOAD_MS / 2)
  const event = await happens(traffic).catch((error) => ({ type: 'nothing', message: error.message }))
  await sleep(LOAD_MS / 2)
  const count = await traffic.stop()
  return { event, count, rate: Math.round(count.answered / count.seconds) }
}

const intact = ({ lost, wrong, statuses, errors }) => {
  const other = Object.keys(statuses).filter((status) => status !== '200')
  demand(
    lost === 0 && wrong === 0 && other.length === 0,
    `${lost} requests lost, ${wrong} wrong, statuses ${JSON.stringify(statuses)} ${errors.join(', ')}`,
  )
}

/** Points to another run, reloads under load, and demands that the answers change over without a lost request. */
async function roll(server, here, from, to) {
  point(runOf(to))
  const { event, count, rate } = await underLoad(server, here, () => server.signal('SIGHUP', ['reloaded', 'reload_failed']))
  demand(event.type === 'reloaded', `the reload failed: ${event.message}`)
  intact(count)
  demand(count.by[from] > 0 && count.by[to] > 0, `expected answers of both runs but received ${JSON.stringify(count.by)}`)
  return `${count.answered} answers at ${rate}/s (${count.by[from]} of the ${from} run, ${count.by[to]} of the ${to}), 0 lost; reload ${event.seconds.toFixed(2)} s`
}

/** Points to a damaged copy of a run: the reload fails and the served run stays. */
async function rollToDamaged(server, here) {
  const damaged = join(folder, 'damaged')
  cpSync(runOf('second'), damaged, { recursive: true })
  const weights = join(
    damaged,
    readdirSync(damaged).find((name) => name.endsWith('.pt')),
  )
  const content = readFileSync(weights)
  content[content.length >> 1] ^= 1
  writeFileSync(weights, content)
  point(damaged)
  const { event, count } = await underLoad(server, here, () => server.signal('SIGHUP', ['reloaded', 'reload_failed']))
  point(runOf('first'))
  demand(event.type === 'reload_failed', 'expected the reload to fail but the damaged run is served')
  intact(count)
  demand(
    Object.keys(count.by).join() === 'first',
    `expected answers of the first run only but received ${JSON.stringify(count.by)}`,
  )
  return `refused with ${event.code}; ${count.answered} answers of the first run, 0 lost`
}

/** Kills the inference process under load: requests get 503 until a new one answers. */
async function crash(server, here) {
  const [child] = childrenOf(server.pid)
  if (child === undefined) return 'skipped: the inference process is not visible in /proc'
  let back = 0
  const { count } = await underLoad(server, here, async () => {
    const restarted = server.next(['restarted'])
    process.kill(child, 'SIGKILL')
    back = (await restarted).seconds
    return { type: 'restarted' }
  })
  const other = Object.keys(count.statuses).filter((status) => !['200', '503'].includes(status))
  demand(
    count.lost === 0 && count.wrong === 0 && other.length === 0,
    `statuses ${JSON.stringify(count.statuses)}, ${count.lost} lost`,
  )
  const limit = Math.max(RESTART_SECONDS, server.seconds)
  demand(back > 0 && back < limit, `the service answered again after ${back.toFixed(2)} s, later than ${limit.toFixed(1)} s`)
  return `answers again after ${back.toFixed(2)} s (limit ${limit.toFixed(1)}); ${count.statuses[503] ?? 0} requests got 503, 0 connections lost`
}

/** Stops the load once /readyz answers 503, as a load balancer does; returns the seconds until then. */
async function balance(url, traffic) {
  const begun = performance.now()
  while ((await fetch(`${url}/readyz`)).status === 200) await sleep(20)
  traffic.halt()
  return (performance.now() - begun) / 1000
}

/** Stops the server under load: accepted requests are finished and it exits with 0. */
async function drain(server, here) {
  let unready
  const { event, count } = await underLoad(server, here, async (traffic) => {
    const stopped = server.signal('SIGTERM', ['stopped'])
    unready = await balance(server.url, traffic)
    return stopped
  })
  const { code } = await server.exited
  intact(count)
  demand(count.refused === 0, `${count.refused} requests refused before the load balancer knew`)
  demand(code === 0 && event.lost === 0, `serve ended with ${code} after it cut off ${event.lost} requests`)
  return `readyz 503 after ${unready.toFixed(2)} s, ${count.answered} answers, 0 lost, 0 refused, exit code 0 after ${event.seconds.toFixed(2)} s`
}

/** Measures with `loadtest` at a fixed rate. */
async function measure(server) {
  const words = [
    '--rate',
    String(RATE),
    '--duration',
    '5',
    '--warmup',
    '1',
    '--p99',
    '250ms',
    '--raw',
    '--out',
    join(folder, 'load'),
    '--json',
  ]
  const child = spawn(process.execPath, [join(root, 'dist/bin/lvm.js'), 'loadtest', server.url, ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const said = []
  child.stderr.on('data', (chunk) => said.push(String(chunk)))
  const [code] = await once(child, 'close')
  demand(code === 0, `loadtest ended with ${code}: ${said.join('').trim().slice(-300)}`)
  const { stages } = JSON.parse(readFileSync(join(folder, 'load/loadtest.json'), 'utf8'))
  const { sent, goodput, latency_ms, failed } = stages.at(-1)
  return `${sent} requests at ${RATE}/s (Poisson): goodput ${goodput.toFixed(1)}/s, p50 ${latency_ms.p50.toFixed(1)} ms, p99 ${latency_ms.p99.toFixed(1)} ms, ${failed} failed`
}

async function rehearse() {
  const here = await answersHere()
  point(runOf('first'))
  let server // set by the first step
  const started = await step('serve the first bundle', async () => {
    server = await startBundle(join(folder, 'first'), ['--models-file', list, '--drain-grace', '0.5'])
    return `listens after ${server.seconds.toFixed(1)} s; ${(await isOffline()) ? 'no network but loopback' : 'WITH the network of this machine'}`
  })
  if (!started) return
  const request = { url: server.url, ...here, expected: here.expected.first }
  try {
    for (const check of [predictions, retrieval, sessions, errors, metrics])
      await step(`smoke test: ${check.name}`, () => check(request))
    await step('load test', () => measure(server))
    await step('roll forward to the second bundle under load', () => roll(server, here, 'first', 'second'))
    await step('roll back under load', () => roll(server, here, 'second', 'first'))
    await step('roll to a damaged run under load', () => rollToDamaged(server, here))
    await step('kill the inference process under load', () => crash(server, here))
    await step('stop under load', () => drain(server, here))
  } finally {
    server.kill()
  }
}

await rehearse()
for (const one of steps) process.stdout.write(`${JSON.stringify(one)}\n`)
