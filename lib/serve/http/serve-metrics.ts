import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from '../../packages/prom-client.js'
import type { EngineEvent, ServedRun } from '../engine-types.js'
import type { Served } from './served-models.js'

/** The figures behind /metrics. */
export interface ServeMetrics {
  text(): Promise<string>
  answered(route: string, status: number, code: string | null, seconds: number): void
  /** An answer that the server gave before any route, on the socket. */
  refused(status: number, code: string): void
  /** A connection beyond --max-connections. */
  dropped(): void
  engine(event: EngineEvent, run: string): void
  reloaded(ok: boolean): void
  logFailed(): void
  close(): void
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]

/** Counters and histograms. Labels have few values: patterns of paths, statuses, codes, and names of runs. */
function counters(registers: Registry[]) {
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name, help, labelNames, registers })
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]) =>
    new Histogram({ name, help, labelNames, buckets, registers })
  return {
    requests: counter('lvm_requests_total', 'Answered requests', ['route', 'status', 'code']),
    request: histogram('lvm_request_seconds', 'Time from the first byte of a request to its answer', ['route'], SECONDS),
    queue: histogram('lvm_queue_seconds', 'Time of a request in the queue', ['model'], SECONDS),
    inference: histogram('lvm_inference_seconds', 'Time of a batch in the inference process', ['model'], SECONDS),
    batch: histogram('lvm_batch_contexts', 'Contexts in a batch', ['model'], SIZES),
    rejects: counter('lvm_rejects_total', 'Requests that the queue did not serve', ['model', 'code']),
    faults: counter('lvm_faults_total', 'Ends of an inference process that nobody asked for', ['model']),
    restarts: counter('lvm_restarts_total', 'Restarts of an inference process', ['model']),
    reloads: counter('lvm_reloads_total', 'Reloads by their outcome', ['outcome']),
    dropped: counter('lvm_dropped_connections_total', 'Connections closed because --max-connections were open', []),
    logErrors: counter('lvm_log_errors_total', 'Lines of --log that could not be written', []),
  }
}

const LABELS = ({ name, architecture, device, weights, scheme }: ServedRun) => ({
  model: name,
  architecture,
  device,
  weights: weights.slice(0, 12),
  scheme: scheme ?? 'none',
})

/** Gauges, which are read when /metrics is. */
function gauges(registers: Registry[], served: () => readonly Served[], isReady: () => boolean) {
  const perModel = (name: string, help: string, read: (one: Served) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['model'],
      registers,
      collect() {
        this.reset()
        for (const one of served()) this.inc({ model: one.engine.run.name }, read(one))
      },
    })
  perModel('lvm_queue_contexts', 'Contexts in the queue', ({ engine }) => engine.gauges.queued)
  perModel(
    'lvm_in_flight_requests',
    'Requests that wait for the inference process or for the queue',
    ({ engine }) => engine.gauges.inFlight,
  )
  perModel('lvm_sessions', 'Open sessions', ({ engine }) => engine.gauges.sessions)
  perModel('lvm_inference_memory_bytes', 'Resident memory of the inference process', ({ engine }) => engine.gauges.memoryBytes)
  perModel(
    'lvm_inference_cpu_seconds',
    'CPU time of the inference process since its start',
    ({ engine }) => engine.gauges.cpuSeconds,
  )
  perModel('lvm_engine_ready', '1 when the run takes requests', ({ engine }) => Number(engine.state === 'ready'))
  new Gauge({
    name: 'lvm_model_info',
    help: 'The served runs; always 1',
    labelNames: ['model', 'architecture', 'device', 'weights', 'scheme'],
    registers,
    collect() {
      this.reset()
      for (const { engine } of served()) this.set(LABELS(engine.run), 1)
    },
  })
  const plain = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  plain('lvm_ready', '1 when /readyz answers 200', () => Number(isReady()))
  plain('lvm_process_memory_bytes', 'Resident memory of the HTTP process', () => process.memoryUsage.rss())
  plain(
    'lvm_process_cpu_seconds',
    'CPU time of the HTTP process',
    () => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
  )
  plain('lvm_uptime_seconds', 'Time since the start of the HTTP process', () => process.uptime())
}

/** Makes the metrics of one server in their own registry. */
export function serveMetrics(served: () => readonly Served[], isReady: () => boolean): ServeMetrics {
  const registry = new Registry()
  const count = counters([registry])
  gauges([registry], served, isReady)
  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()
  new Gauge({
    name: 'lvm_event_loop_lag_seconds',
    help: '99th percentile of the delay of the event loop since the last reading',
    registers: [registry],
    collect() {
      this.set(Number.isFinite(delay.mean) ? Math.max(0, delay.percentile(99) / 1e9 - 0.02) : 0)
      delay.reset()
    },
  })
  return {
    text: () => registry.metrics(),
    answered: (route, status, code, seconds) => {
      count.requests.inc({ route, status, code: code ?? 'OK' })
      count.request.observe({ route }, seconds)
    },
    dropped: () => count.dropped.inc(),
    refused: (status, code) => count.requests.inc({ route: 'none', status, code }),
    engine: (event, model) => {
      if (event.type === 'waited') count.queue.observe({ model }, event.queueMs / 1000)
      if (event.type === 'rejected') count.rejects.inc({ model, code: event.code })
      if (event.type === 'fault') count.faults.inc({ model })
      if (event.type === 'restarted') count.restarts.inc({ model })
      if (event.type !== 'batch') return
      count.inference.observe({ model }, event.inferenceMs / 1000)
      count.batch.observe({ model }, event.contexts)
    },
    reloaded: (ok) => count.reloads.inc({ outcome: ok ? 'ok' : 'failed' }),
    logFailed: () => count.logErrors.inc(),
    close: () => delay.disable(),
  }
}
