import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { train } from '../../lib/index.js'
import type { Collector } from './collector.js'

/** Answers of a tracking server of MLflow. */
const ANSWERS: Record<string, object> = {
  'experiments/create': { experiment_id: '1' },
  'runs/create': { run: { info: { run_id: 'r' } } },
}

/** Trains with callbacks that log figures, and with a tracking server. */
export async function trainingLogs({ folder, keep, read }: Collector): Promise<void> {
  const server = createServer((request, response) =>
    response.end(JSON.stringify(ANSWERS[request.url!.replace('/api/2.0/mlflow/', '')] ?? { experiment: { experiment_id: '1' } })),
  )
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const out = join(folder, 'artifacts', 'lvm', 'models')
  const log = `mlflow=http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const small = { preset: 'tiny', epochs: 2, threads: 1, maxWindows: 64, logEvery: 1 } as const
  const options = { model: 'lstm', data: join(folder, 'data'), out, name: 'logs', log, ...small } as const
  const own = { onStep: add, onEpoch: add, onCheckpoint: add }
  for await (const event of train(options, own)) if (event.type !== 'result') keep(`event ${event.type}`, event)
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

const add = (_: unknown, training: { log(figures: Record<string, number>): void }): void => training.log({ own: 1 })
