import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { LvmError } from '../errors.js'
import { packageRoot } from '../libtorch/paths.js'
import { ASK, type Failure, type MemoryHeader, type OpenHeader, type ReadyHeader, SAY } from './engine-messages.js'
import type { ServedRun } from './engine-types.js'
import { type Frame, readFrames, writeFrame } from './frames.js'

/** Time that a process may take to end when its pipe closes. Units: ms */
const END_TIMEOUT = 5000

export interface Ended {
  readonly exit: number | null
  readonly signal: NodeJS.Signals | null
}
/** A process that has loaded a run. */
export interface InferenceProcess {
  readonly run: ServedRun
  readonly pid: number
  readonly memoryBytes: number
  /** Sends a batch. Errors: those of the process, under their codes; never settles if the process ends before its answer. */
  ask(kind: number, header: unknown, parts: readonly Float32Array[]): Promise<Frame>
  tell(kind: number, header: unknown): void
  /** Resolves when the process is gone. */
  readonly ended: Promise<Ended>
  /** Closes the pipe, so that the process ends; kills it if it does not. */
  end(): Promise<void>
  kill(): Promise<void>
}

const howEnded = ({ exit, signal }: Ended) => (signal !== null ? `was ended by ${signal}` : `ended with exit code ${exit}`)
const errorOf = ({ code, message, hint }: Failure) => new LvmError(code, message, { hint })

interface Call {
  resolve(frame: Frame): void
  reject(error: unknown): void
}

/** Starts a process and loads a run in it. Errors: those of load and of the bank; INTERNAL when the process ends before it is ready. */
export async function startInference(o: OpenHeader, signal?: AbortSignal): Promise<InferenceProcess> {
  const child = spawn(process.execPath, [join(packageRoot(), 'dist', 'lib', 'serve', 'engine-child.js')], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  })
  const pipe = child.stdio?.[3] as Duplex | undefined
  if (pipe === undefined) throw await new Promise((done) => child.once('error', done)) // the system allows no more files or processes
  pipe.on('error', () => {}) // the process has ended; `close` follows
  const calls = new Map<number, Call>()
  let next = 0
  let memoryBytes = 0
  readFrames(pipe, (frame) => {
    if (frame.kind === SAY.memory) {
      memoryBytes = (frame.header as MemoryHeader).bytes
      return
    }
    const call = calls.get(frame.id)
    calls.delete(frame.id)
    if (frame.kind === SAY.error) call?.reject(errorOf(frame.header as Failure))
    else call?.resolve(frame)
  })
  const ended = new Promise<Ended>((done) => {
    child.on('close', (exit, signal) => done({ exit, signal }))
    child.on('error', () => done({ exit: null, signal: null })) // it could not start
  })
  const ask = (kind: number, header: unknown, parts: readonly Float32Array[]) =>
    new Promise<Frame>((resolve, reject) => {
      const id = next++
      calls.set(id, { resolve, reject })
      writeFrame(pipe, { id, kind, header, parts })
    })
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
  signal?.addEventListener('abort', kill, { once: true })
  const dead = ended.then((end) => {
    throw new LvmError('INTERNAL', `${o.run}: expected an inference process but it ${howEnded(end)} before it was ready`)
  })
  dead.catch(() => {})
  let ready: Frame
  try {
    ready = await Promise.race([ask(ASK.open, o, []), dead])
  } catch (error) {
    await kill()
    throw error
  } finally {
    signal?.removeEventListener('abort', kill)
  }
  const { contexts, ...run } = ready.header as ReadyHeader
  return {
    run: { ...run, contexts: { shortest: contexts.shortest, longest: contexts.longest ?? Number.POSITIVE_INFINITY } },
    pid: child.pid!,
    get memoryBytes() {
      return memoryBytes
    },
    ask,
    tell: (kind, header) => writeFrame(pipe, { id: next++, kind, header }),
    ended,
    end,
    kill,
  }
}
