import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { LvmError } from '../errors.js'
import { packageRoot } from '../libtorch/paths.js'
import { now } from './arrivals.js'
import type { StagePlan } from './load-stage.js'
import type { SenderSetup } from './sender-setup.js'
import type { StageOrder } from './sender-thread.js'
import { type Counts, type Merged, merged } from './tally.js'

const thread = (name: string) => join(packageRoot(), 'dist', 'lib', 'loadtest', `${name}.js`)
/** Time for the threads to receive a stage before it begins. Units: ms */
const LEAD_MS = 200

/** Time for the threads to end their sessions. Units: ms */
const CLOSE_MS = 2000

/** Divides a number into whole parts that differ by at most 1. */
const shares = (n: number, parts: number) => Array.from({ length: parts }, (_, i) => Math.floor((n + i) / parts))

/** A stage that runs. */
export interface Running {
  /** Value of `now()` at the start of the warm-up. */
  readonly start: number
  readonly counts: Promise<Merged>
  stop(): void
}

/** Threads that send requests. */
export interface Senders {
  readonly threads: number
  begin(plan: Omit<StagePlan, 'start'>): Running
  close(): Promise<void>
}

/** The next message of a thread. Errors: UNAVAILABLE if its sessions cannot be opened. */
const reply = <T>(worker: Worker) =>
  new Promise<T>((resolve, reject) => {
    const heard = (message: T) => {
      worker.off('error', died)
      resolve(message)
    }
    const died = (cause: NodeJS.ErrnoException) => {
      worker.off('message', heard)
      reject(new LvmError('UNAVAILABLE', `loadtest: a sending thread ended: ${cause.message}`, { cause }))
    }
    worker.once('message', heard).once('error', died)
  })

/** Starts the sending threads; they keep their connections and sessions until `close`. */
export async function startSenders(setup: SenderSetup, threads: number): Promise<Senders> {
  const [connections, sessions] = [shares(setup.connections, threads), shares(setup.sessions, threads)]
  const workers = connections.map((n, i) => {
    const workerData: SenderSetup = { ...setup, connections: Math.max(1, n), sessions: sessions[i]! }
    return new Worker(thread('sender-thread'), { workerData })
  })
  await Promise.all(workers.map((worker) => reply<'ready'>(worker)))
  const begin = (timing: Omit<StagePlan, 'start'>): Running => {
    const plan: StagePlan = { ...timing, start: now() + LEAD_MS }
    const stop = new Int32Array(new SharedArrayBuffer(4))
    const ports: MessagePort[] = []
    const clients = shares(plan.clients, threads)
    const replies = workers.map((worker, i) => {
      const heard = reply<Counts>(worker)
      const { port1, port2 } = new MessageChannel()
      const order: StageOrder = { plan: { ...plan, clients: clients[i]! }, port: plan.rate === null ? null : port1, stop }
      worker.postMessage(order, plan.rate === null ? [] : [port1])
      if (plan.rate !== null) ports.push(port2)
      return heard
    })
    if (plan.rate !== null) new Worker(thread('clock-thread'), { workerData: { plan, ports, stop }, transferList: ports })
    return {
      start: plan.start,
      counts: Promise.all(replies).then(merged),
      stop: () => {
        Atomics.store(stop, 0, 1)
        Atomics.notify(stop, 0)
      },
    }
  }
  const close = async () => {
    const ends = workers.map((worker) => once(worker, 'exit'))
    for (const worker of workers) worker.postMessage('close')
    const late = sleep(CLOSE_MS, undefined, { ref: false }).then(() => workers.map((worker) => worker.terminate()))
    await Promise.race([Promise.all(ends), late])
  }
  return { threads, begin, close }
}
