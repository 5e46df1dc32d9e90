import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { LvmError } from '../errors.js'
import { packageRoot } from '../libtorch/paths.js'
import {
  type AnswerHeader,
  ASK,
  type Failure,
  fromJson,
  type MemoryHeader,
  type OpenHeader,
  type ReadyHeader,
  SAY,
  type WarningHeader,
} from './engine-messages.js'
import type { ServedRun } from './engine-types.js'
import { type Frame, readFrames, writeFrame } from './frames.js'
import { type KillReason, type Signs, watchProcess } from './process-watch.js'

/** Time that a process may take to end when its pipe closes. Units: ms */
const END_TIMEOUT = 5000

export interface Ended {
  readonly exit: number | null
  readonly signal: NodeJS.Signals | null
  /** Why its server killed it; null if the server did not. */
  readonly reason: KillReason | null
}
/** A process that has loaded a run. */
export interface InferenceProcess {
  readonly run: ServedRun
  readonly pid: number
  readonly memoryBytes: number
  /** Processor time since its start. */
  readonly cpuSeconds: number
  /** Batches answered. */
  readonly answers: number
  /** Sends a batch. Errors: those of the process; never settles if the process ends before its answer. */
  ask(kind: number, header: unknown, parts: readonly Float32Array[]): Promise<Frame>
  tell(kind: number, header: unknown): void
  /** Resolves when the process is gone and its last answers have been received. */
  readonly ended: Promise<Ended>
  /** Closes the pipe, so that the process ends; kills it if it does not. */
  end(): Promise<void>
  kill(): Promise<void>
}

const howEnded = ({ exit, signal }: Ended) => (signal !== null ? `was ended by ${signal}` : `ended with exit code ${exit}`)

/** Matches the answers of a process with the calls that wait for them. */
class Conversation implements Signs {
  memoryBytes = 0
  cpuSeconds = 0
  answers = -1 // the first answer says that it is ready
  silent = 0
  unanswered = 0
  longest = 0
  private next = 0
  private readonly calls = new Map<number, { resolve(frame: Frame): void; reject(error: LvmError): void }>()
  constructor(
    private readonly pipe: Duplex,
    private readonly warn: (message: string) => void,
  ) {
    pipe.on('error', () => {}) // the process has ended; `close` follows
    readFrames(pipe, (frame) => this.hear(frame))
  }
  get pending(): number {
    return this.calls.size
  }
  ask(kind: number, header: unknown, parts: readonly Float32Array[]): Promise<Frame> {
    return new Promise((resolve, reject) => {
      this.calls.set(this.next, { resolve, reject })
      writeFrame(this.pipe, { id: this.next++, kind, header, parts })
    })
  }
  tell(kind: number, header: unknown): void {
    writeFrame(this.pipe, { id: this.next++, kind, header })
  }
  private hear(frame: Frame): void {
    const { id, kind, header } = frame
    this.silent = 0
    if (kind === SAY.memory) {
      const { bytes, cpuSeconds } = header as MemoryHeader
      this.memoryBytes = bytes
      this.cpuSeconds = cpuSeconds
      return
    }
    if (kind === SAY.warning) {
      this.warn((header as WarningHeader).message)
      return
    }
    this.unanswered = 0
    const call = this.calls.get(id)
    this.calls.delete(id)
    this.answers++
    if (kind === SAY.error) {
      const { code, message, hint } = header as Failure
      call?.reject(new LvmError(code, message, { hint }))
      return
    }
    if (kind === SAY.answer) this.longest = Math.max(this.longest, (header as AnswerHeader).ms)
    call?.resolve(frame)
  }
}

const whenEnded = (child: ChildProcess, reason: () => KillReason | null): Promise<Ended> =>
  new Promise((done) => {
    child.on('close', (exit, signal) => done({ exit, signal, reason: reason() }))
    child.on('error', () => done({ exit: null, signal: null, reason: null })) // it could not start
  })

/** Settings of a process that are not sent to it. */
export interface Care {
  /** Least time after which a batch counts as stuck. Units: ms */
  readonly batchLimit: number
  warn(message: string): void
}

/** Starts a process and loads a run in it. Errors: those of load and of the bank; INTERNAL when the process ends before it is ready. */
export async function startInference(o: OpenHeader, { batchLimit, warn }: Care, signal?: AbortSignal): Promise<InferenceProcess> {
  const child = spawn(process.execPath, [join(packageRoot(), 'dist', 'lib', 'serve', 'engine-child.js')], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  })
  let reason: KillReason | null = null
  const ended = whenEnded(child, () => reason)
  const pipe = child.stdio?.[3] as Duplex | undefined
  if (pipe === undefined) throw await new Promise((done) => child.once('error', done)) // no more files or processes are allowed
  const conversation = new Conversation(pipe, warn)
  const kill = async () => {
    child.kill('SIGKILL')
    await ended
  }
  const end = async () => {
    const timer = setTimeout(kill, END_TIMEOUT)
    pipe.end()
    await ended
    clearTimeout(timer)
  }
  const dead = ended.then((how) => {
    throw new LvmError(
      'INTERNAL',
      `serve: expected an inference process for ${o.run} but it ${howEnded(how)} before it was ready`,
      how.signal === 'SIGKILL' ? { hint: 'a system that runs out of memory ends processes in this way; look at its memory' } : {},
    )
  })
  dead.catch(() => {})
  signal?.addEventListener('abort', kill, { once: true })
  try {
    const { header } = await Promise.race([conversation.ask(ASK.open, o, []), dead])
    const unwatch = watchProcess(child, conversation, batchLimit, (why) => {
      reason = why
    })
    ended.then(unwatch)
    const run = header as ReadyHeader
    return {
      run: { ...run, trained: fromJson(run.trained), contexts: fromJson(run.contexts) },
      pid: child.pid!,
      get memoryBytes() {
        return conversation.memoryBytes
      },
      get cpuSeconds() {
        return conversation.cpuSeconds
      },
      get answers() {
        return conversation.answers
      },
      ask: (...given) => conversation.ask(...given),
      tell: (...given) => conversation.tell(...given),
      ended,
      end,
      kill,
    }
  } catch (error) {
    await kill()
    throw error
  } finally {
    signal?.removeEventListener('abort', kill)
  }
}
