import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { LvmError, train } from '../../lib/index.js'
import { LiveRuns } from '../../lib/train/watch/live-runs.js'
import type { Collector } from './collector.js'

/** Answers of a tracking server of MLflow. */
const ANSWERS: Record<string, object> = {
  'experiments/create': { experiment_id: '1' },
  'runs/create': { run: { info: { run_id: 'r' } } },
}

/** Trains with callbacks that log figures, and with a tracking server. */
export async function trainingLogs({ folder, keep, read }: Collector): Promise<void> {
  let status = 200
  const server = createServer((request, response) => {
    response.writeHead(status)
    response.end(JSON.stringify(ANSWERS[request.url!.replace('/api/2.0/mlflow/', '')] ?? { experiment: { experiment_id: '1' } }))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const out = join(folder, 'artifacts', 'lvm', 'models')
  const log = `mlflow=http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const small = { preset: 'tiny', epochs: 2, threads: 1, maxWindows: 64, logEvery: 1 } as const
  const options = { model: 'lstm', data: join(folder, 'data'), out, name: 'logs', log, ...small } as const
  const own = { onStep: add, onEpoch: add, onCheckpoint: add, watch: true }
  let page: Promise<Message[]> | undefined
  const runs = failedRuns()
  for await (const event of train(options, own)) {
    runs.hear('logs', event)
    if (event.type === 'watch') page = messagesOf(event.url)
    if (event.type === 'epoch' && event.epoch === 1) status = 500 // the log ends with a warning
    if (event.type !== 'result') keep(`event ${event.type}`, event)
  }
  keep('/events of train --watch', ...(await page!))
  status = 200
  const failing = train(
    { ...options, out: join(folder, 'failing') },
    { watch: true, onStep: () => Promise.reject(new Error('mine')) },
  )
  try {
    for await (const event of failing) if (event.type === 'watch') page = messagesOf(event.url)
  } catch {} // the page tells the error
  keep('/events of train --watch', ...(await page!))
  keep('/events of sweep --watch', JSON.parse(runs.whole()))
  server.close()
  const run = join('artifacts', 'lvm', 'models', 'logs')
  keep('mlflow.json', read(join(run, 'mlflow.json')))
  const lines = readFileSync(join(folder, run, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
  const rows = lines
    .map((line) => JSON.parse(line))
    .map((line) => (line.type === 'epoch' ? { type: line.type, metrics: line.metrics } : line))
  keep('metrics.jsonl', ...rows)
}

type Message = Readonly<Record<string, unknown>>
/** Messages to a page. */
export async function messagesOf(url: string): Promise<Message[]> {
  const text = await (await fetch(`${url}events`)).text()
  return text
    .split('\n\n')
    .filter((message) => message !== '')
    .map((message) => JSON.parse(message.replace(/^data: /, '')))
}

const add = (_: unknown, training: { log(figures: Record<string, number>): void }): void => training.log({ own: 1 })

/** A sweep that ended with an error, after one of its runs had failed. */
function failedRuns(): LiveRuns {
  const live = new LiveRuns('sweep')
  live.enter('a', { model: 'gru', state: 'failed', error: { code: 'SIGKILL', message: '' } })
  live.end('failed', new LvmError('NO_DISK', ''))
  return live
}
