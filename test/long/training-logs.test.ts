import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, it } from 'vitest'
import { figuresOf, type LogLine } from '../../lib/train/log/log-line.js'
import { done, hasModule, python, runPython, SAMPLE, workFolder } from './python.js'

const work = workFolder()
const train = ['train', 'gru', '--data', SAMPLE, '--preset', 'tiny', '--threads', 1, '--log-every', 7]

/** Figures of metrics.jsonl by name: step and value. */
function figures(name: string): Record<string, [number, number][]> {
  const found: Record<string, [number, number][]> = {}
  const path = join(work, 'artifacts/lvm/models', name, 'metrics.jsonl')
  for (const text of readFileSync(path, 'utf8').trimEnd().split('\n')) {
    const line = JSON.parse(text) as LogLine
    for (const [key, value] of Object.entries(figuresOf(line))) found[key] = [...(found[key] ?? []), [line.step, value]]
  }
  return found
}

it.skipIf(!hasModule('tensorboard'))("TensorBoard's own reader gives the figures of metrics.jsonl", async () => {
  await done(work, [...train, '--epochs', 1, '--name', 'board', '--log', 'tensorboard,csv'])
  await done(work, ['train', 'gru', '--resume', '--epochs', 3, '--name', 'board'])
  const read = await runPython<Record<string, [number, number, number][]>>(
    'read_events.py',
    join(work, 'artifacts/lvm/models/board'),
  )
  const single = Object.entries(figures('board')).map(([name, all]) => [name, all.map(([step, v]) => [step, Math.fround(v)])])
  expect(Object.entries(read).map(([name, all]) => [name, all.map(([step, v]) => [step, v])])).toEqual(single)
  expect(Math.abs(read['step/loss']![0]![2] - Date.now() / 1000)).toBeLessThan(3600)
})

let server: ChildProcess | undefined
afterAll(() => {
  if (server?.pid !== undefined) process.kill(-server.pid, 'SIGKILL') // with its workers
})

const freePort = () =>
  new Promise<number>((found) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => found(port))
    })
  })

it.skipIf(!hasModule('mlflow'))(
  'a tracking server of MLflow has the settings and figures of a run that was resumed',
  async () => {
    const port = await freePort()
    const store = ['--backend-store-uri', `sqlite:///${work}/mlflow.db`, '--default-artifact-root', join(work, 'mlruns')]
    server = spawn(python(), ['-m', 'mlflow', 'server', '--port', String(port), '--workers', '1', ...store], {
      cwd: work,
      stdio: 'ignore',
      detached: true,
    })
    const url = `http://127.0.0.1:${port}`
    const answers = () =>
      fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      )
    for (let i = 0; i < 600 && !(await answers()); i++) await sleep(500)
    await done(work, [...train, '--epochs', 1, '--name', 'tracked', '--log', `mlflow=${url}`])
    await done(work, ['train', 'gru', '--resume', '--epochs', 2, '--name', 'tracked'])
    const run = await runPython<{ status: string; name: string; params: Record<string, string>; history: object }>(
      'read_mlflow.py',
      url,
    )
    expect(run).toMatchObject({ status: 'FINISHED', name: 'tracked', params: { model: 'gru', learning_rate: '0.0005' } })
    expect(run.history).toEqual(figures('tracked'))
  },
)
