import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { figuresOf, type Logger, type LogLine } from './log-line.js'
import { call, experimentOf } from './mlflow-client.js'

/** Figures in one request; a server accepts at most 1,000. */
const BATCH = 1000
/** Parameters in one request, and characters of a value. */
const [PARAMETERS, LONGEST] = [100, 500]

interface Metric {
  readonly key: string
  readonly value: number
  readonly timestamp: number
  readonly step: number
}

interface About {
  readonly name: string
  readonly settings: () => Readonly<Record<string, unknown>>
}

/** Creates a run with the settings as its parameters; returns its id. Errors: LOG_FAILED. */
async function createRun(url: string, experiment_id: string, { name, settings }: About): Promise<string> {
  const tags = [{ key: 'mlflow.source.name', value: 'lvm-torch' }]
  const asked = { experiment_id, run_name: name, start_time: Date.now(), tags }
  const made = await call<{ run: { info: { run_id: string } } }>(url, 'runs/create', asked)
  const { run_id } = (made as Exclude<typeof made, 'missing'>).run.info
  const params = Object.entries(settings()).map(([key, value]) => ({
    key,
    value: (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, LONGEST),
  }))
  for (let at = 0; at < params.length; at += PARAMETERS)
    await call(url, 'runs/log-batch', { run_id, params: params.slice(at, at + PARAMETERS) })
  return run_id
}

/**
 * Sends the figures to a tracking server of MLflow, at most one request at a time; mlflow.json in the run's folder names the run there,
 * which a resumed training continues.
 *
 * Errors: LOG_FAILED when the server does not answer before the training begins.
 */
export async function mlflowLogger(folder: string, url: string, o: About & { readonly resumed: boolean }): Promise<Logger> {
  const experiment = process.env.MLFLOW_EXPERIMENT_NAME || 'lvm-torch'
  const experiment_id = await experimentOf(url, experiment)
  const path = join(folder, 'mlflow.json')
  let id = ''
  let waiting: Metric[] = []
  let sending: Promise<unknown> | undefined
  let failure: unknown
  const send = async () => {
    while (waiting.length > 0) {
      const metrics = waiting.slice(0, BATCH)
      waiting = waiting.slice(BATCH)
      await call(url, 'runs/log-batch', { run_id: id, metrics })
    }
  }
  const flush = () => {
    sending ??= send()
      .catch((error) => {
        failure = error
      })
      .finally(() => {
        sending = undefined
      })
    return sending
  }
  return {
    begin: async () => {
      const before = o.resumed ? JSON.parse(await readFile(path, 'utf8').catch(() => '{}')) : {}
      const again = before.url === url && (await call(url, 'runs/update', { run_id: before.run_id, status: 'RUNNING' }))
      if (again && again !== 'missing') id = before.run_id
      else {
        id = await createRun(url, experiment_id, o)
        await writeFile(path, `${JSON.stringify({ version: 1, url, experiment, run_id: id }, null, 2)}\n`)
      }
    },
    write: async (line: LogLine) => {
      if (failure !== undefined) throw failure
      const timestamp = Date.parse(line.time)
      waiting.push(...Object.entries(figuresOf(line)).map(([key, value]) => ({ key, value, timestamp, step: line.step })))
      void flush()
    },
    close: async (how) => {
      await flush()
      await flush()
      if (failure !== undefined) throw failure
      const status = { finished: 'FINISHED', stopped: 'KILLED', failed: 'FAILED' }[how]
      if (id !== '') await call(url, 'runs/update', { run_id: id, status, end_time: Date.now() })
    },
  }
}
