// Compares `serve` with the usual way, FastAPI + uvicorn + PyTorch, on the same run in one call: node bench/serve.mjs --run RUN
// Measures the latency of single requests and the highest rate at one limit of the p99 with `loadtest`, and cross-checks it with autocannon.
// Writes bench/results/serve.json and prints the table.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import autocannon from 'autocannon'
import { exportRun, loadtest } from '../dist/lib/index.js'
import { circumstances, keep, middle, pythonWith, resultsOf } from './turns.mjs'

const { values } = parseArgs({
  options: {
    run: { type: 'string', default: 'artifacts/lvm/models/transformer' },
    p99: { type: 'string', default: '50ms' },
    threads: { type: 'string', default: String(availableParallelism()) },
    duration: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '5' },
    formats: { type: 'string', default: 'json,bytes' },
    out: { type: 'string', default: resultsOf('serve') },
  },
})
const [threads, duration, rounds] = [values.threads, values.duration, values.rounds].map(Number)
const here = fileURLToPath(new URL('.', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'lvm-torch-serve-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

// The usual way reads the export beside the manifest, so both are given one folder with a copy of the run.
const run = join(folder, basename(resolve(values.run)))
cpSync(values.run, run, { recursive: true, filter: (path) => !path.includes('generations') })
if (!existsSync(join(run, 'exported.ts.pt'))) await exportRun({ run })

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  return port
}

/** Starts a server and waits until it is ready. */
async function started(command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  process.once('exit', () => child.kill())
  return { child, lines: createInterface({ input: child.stdout }) }
}

const SERVERS = {
  'lvm-torch serve': async () => {
    const { child, lines } = await started(process.execPath, [
      join(here, '../dist/bin/lvm.js'),
      'serve',
      values.run,
      '--port',
      '0',
      '--threads',
      threads,
      '--json',
    ])
    const [first] = await once(lines, 'line')
    lines.on('line', () => {})
    return { child, url: JSON.parse(first).url }
  },
  'FastAPI + uvicorn': async () => {
    const port = await freePort()
    const { child, lines } = await started(pythonWith({ fastapi: 'fastapi', uvicorn: 'uvicorn[standard]' }), [
      join(here, '../examples/fastapi_app.py'),
      run,
      '--port',
      port,
      '--threads',
      threads,
    ])
    lines.on('line', () => {})
    const url = `http://127.0.0.1:${port}`
    for (let i = 0; i < 480 && !(await fetch(`${url}/readyz`).catch(() => undefined))?.ok; i++) await sleep(250)
    return { child, url }
  },
}

const common = { p99: values.p99, out: join(folder, 'out'), warmup: 1 }

/** Answers a second and median latency of a closed loop, by loadtest and by autocannon. */
async function crossCheck(url, clients) {
  const { loadtest: ours } = await loadtest({ url, ...common, closed: true, clients, duration })
  const { server } = ours
  const vector = new Array(server.dim).fill(server.dim ** -0.5)
  const body = JSON.stringify({ contexts: [new Array(server.context).fill(vector)] })
  const theirs = await autocannon({
    url: `${url}/v1/predict`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    connections: clients,
    duration,
  })
  const [stage] = ours.stages
  return {
    clients,
    loadtest: { answers_per_second: stage.answers_per_second, p50_ms: stage.latency_ms.p50 },
    autocannon: {
      answers_per_second: theirs.requests.average,
      p50_ms: theirs.latency.p50,
      failed: theirs.non2xx + theirs.errors,
    },
  }
}

const servers = {}
for (const [name, start] of Object.entries(SERVERS)) servers[name] = await start()
const names = Object.keys(servers)
const report = { version: 1, ...circumstances('serve.mjs'), threads, p99: values.p99, results: [] }
process.stdout.write(
  `${report.cpu}, ${report.cores} cores, ${threads} threads for each server · ${values.run} · commit ${report.commit}\n`,
)

for (const format of values.formats.split(',')) {
  const raw = format === 'bytes'
  // Single requests in turns, so that other load on the machine affects both servers equally.
  const single = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 ? names : names.toReversed()) {
      const { loadtest: one } = await loadtest({ url: servers[name].url, ...common, raw, closed: true, clients: 1, duration: 2 })
      if (round > 0) single[name].push(one.stages[0].latency_ms.p50)
    }
  }
  for (const name of names) {
    const { url, child } = servers[name]
    const { loadtest: search } = await loadtest({ url, ...common, raw, duration, pid: child.pid, precision: 0.15 })
    const result = {
      server: name,
      format,
      single_p50_ms: middle(single[name]),
      single_p50_rounds_ms: single[name],
      rate: search.knee?.rate ?? 0,
      confirmed: search.knee?.confirmed ?? false,
      client_limited: search.knee?.client_limited ?? false,
      overload: search.overload,
      processors: search.stages.findLast(({ rate }) => rate === search.knee?.rate)?.server?.cpu ?? null,
      memory_bytes: search.stages.at(-1).server?.memory_bytes ?? null,
      closed: raw ? null : await crossCheck(url, 16),
    }
    report.results.push(result)
    process.stdout.write(
      `${name}, ${format}: one request ${result.single_p50_ms.toFixed(2)} ms, highest rate ${result.rate.toFixed(1)} a second (${result.confirmed ? 'confirmed' : 'not confirmed'})${result.closed ? `, 16 clients ${JSON.stringify(result.closed)}` : ''}\n`,
    )
  }
}
for (const { child } of Object.values(servers)) child.kill()

report.ratios = values.formats.split(',').map((format) => {
  const [ours, theirs] = names.map((name) => report.results.find((r) => r.server === name && r.format === format))
  const closed = ours.closed && {
    loadtest: ours.closed.loadtest.answers_per_second / theirs.closed.loadtest.answers_per_second,
    autocannon: ours.closed.autocannon.answers_per_second / theirs.closed.autocannon.answers_per_second,
  }
  return { format, rate: ours.rate / theirs.rate, single_p50: theirs.single_p50_ms / ours.single_p50_ms, closed }
})
process.stdout.write(`${JSON.stringify(report.ratios)}\n`)
const cells = (r) =>
  `| ${r.server} | ${r.format} | ${r.single_p50_ms.toFixed(2)} | ${r.rate.toFixed(0)}${r.confirmed ? '' : ' (not confirmed)'} | ${r.closed ? `${r.closed.loadtest.answers_per_second.toFixed(0)} / ${r.closed.autocannon.answers_per_second.toFixed(0)}` : '–'} | ${r.overload ? `${(100 * r.overload.goodput_kept).toFixed(0)} %` : '–'} |`
keep('serve', values.out, report, [
  `\`serve\` beside FastAPI + uvicorn + PyTorch (\`examples/fastapi_app.py\`, TorchScript) with the same run, ${threads} thread${threads === 1 ? '' : 's'} each, on one machine that also runs the client (\`${report.command}\`).`,
  `Highest rate: requests a second of one context with a p99 of ${values.p99} and no failed request, in an open loop. Seen on ${report.cpu}, ${report.cores} cores, load ${report.load_before.toFixed(1)} before, commit ${report.commit}.`,
  '',
  '| server | format | one request, p50 ms | highest rate, 1/s | 16 clients, answers/s by loadtest / autocannon | goodput at twice the rate |',
  '|---|---|---|---|---|---|',
  ...report.results.map(cells),
  '',
  ...report.ratios.map(
    (r) =>
      `- ${r.format}: ${r.rate.toFixed(2)} times the rate of FastAPI, one request in 1/${r.single_p50.toFixed(2)} of its time${r.closed ? `, 16 clients ${r.closed.loadtest.toFixed(2)} times (autocannon ${r.closed.autocannon.toFixed(2)})` : ''}`,
  ),
])
