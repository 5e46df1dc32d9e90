import { asLvmError, badOption } from '../../errors.js'
import { nearestWord } from '../../show.js'
import { csvLogger } from './csv-log.js'
import type { Logger, LogLine } from './log-line.js'
import { metricsLogger, metricsOf, type Resumed } from './metrics-log.js'
import { mlflowLogger } from './mlflow-log.js'
import { tensorboardLogger } from './tensorboard-log.js'

const KINDS = ['tensorboard', 'csv', 'mlflow']

interface Wanted {
  readonly kind: string
  readonly url?: string
}

/** Address of a tracking server; it goes into the manifest, so it must not have a password. Errors: BAD_OPTION. */
function serverOf(given: string | undefined, item: string): string {
  const url = given ?? process.env.MLFLOW_TRACKING_URI
  const hint = 'such as mlflow=http://127.0.0.1:5000, or set MLFLOW_TRACKING_URI'
  if (url === undefined || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw badOption('train', 'log', 'an http address after "mlflow="', item, hint)
  const { username, password } = new URL(url)
  if (username !== '' || password !== '') {
    const safe = 'set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD instead'
    throw badOption('train', 'log', 'an address without user and password', item.replace(`${username}:${password}@`, '…@'), safe)
  }
  return url
}

/** Reads `log`. Errors: BAD_OPTION for an unknown or repeated place. */
export function readLog(log: string | undefined): readonly Wanted[] {
  const items = log === undefined ? [] : log.split(',').map((item) => item.trim())
  const wanted = items.map((item) => {
    const [, kind, url] = /^([^=]*)(?:=(.*))?$/s.exec(item)!
    const meant = nearestWord(kind!, KINDS)
    if (!KINDS.includes(kind!))
      throw badOption('train', 'log', `one of ${KINDS.join(', ')}=URL`, item, meant && `did you mean ${meant}?`)
    if (kind !== 'mlflow' && url !== undefined) throw badOption('train', 'log', `"${kind}" without an address`, item)
    return kind === 'mlflow' ? { kind, url: serverOf(url, item) } : { kind: kind! }
  })
  const twice = wanted.find(({ kind }, i) => wanted.findIndex((other) => other.kind === kind) < i)
  if (twice !== undefined) throw badOption('train', 'log', 'each place once', log)
  return wanted
}

/** All loggers of a training as one, which begins at the first line: an overwritten run keeps its logs until then. */
export interface Logs {
  /** Writes a line; returns the failure of each logger that ends with it, because a training goes on without it. */
  write(line: LogLine): Promise<string[]>
  close(how: Parameters<Logger['close']>[0]): Promise<string[]>
}

/** Opens the loggers of a training. Errors: LOG_FAILED for a server that does not answer. */
export async function openLogs(
  folder: string,
  log: string | undefined,
  o: { from: Resumed | undefined; name: string; settings: () => Readonly<Record<string, unknown>> },
): Promise<Logs> {
  const { progress: { epoch, optimizer_steps } = { epoch: 0, optimizer_steps: 0 }, history = [] } = o.from ?? {}
  const from = o.from && { progress: { epoch, optimizer_steps }, history: [...history] } // as it is before the first step
  let open: Logger[] = [metricsLogger(folder, from)]
  for (const { kind, url } of readLog(log)) {
    if (kind === 'csv') open.push(csvLogger(folder))
    else if (kind === 'tensorboard') open.push(tensorboardLogger(folder))
    else open.push(await mlflowLogger(folder, url!, { ...o, resumed: o.from !== undefined }))
  }
  const all = async (work: (logger: Logger) => Promise<void>): Promise<string[]> => {
    const failures: string[] = []
    for (const logger of open) {
      await work(logger).catch((error: unknown) => {
        open = open.filter((other) => other !== logger)
        failures.push(`this log ends: ${asLvmError(error).message}`)
      })
    }
    return failures
  }
  let begun = false
  const begin = async () => {
    if (begun) return []
    begun = true
    return all((logger) => logger.begin(() => metricsOf(folder)))
  }
  return {
    write: async (line) => [...(await begin()), ...(await all((logger) => logger.write(line)))],
    close: async (how) => {
      if (!begun && (o.from === undefined || how === 'failed')) return []
      return [...(await begin()), ...(await all((logger) => logger.close(how)))]
    },
  }
}
