// Runs in its own process (inference-process.ts): computes batches that come as frames over file descriptor 3, and ends with that pipe.
import { Socket } from 'node:net'
import { speakShell } from '../hints.js'
import { openServed } from './child-run.js'
import { type Answer, ChildWork, failureOf } from './child-work.js'
import {
  ASK,
  type BatchHeader,
  type FeedItem,
  type FreeHeader,
  type OpenHeader,
  type PredictItem,
  type ReadyHeader,
  type RetrieveItem,
  SAY,
  toJson,
} from './engine-messages.js'
import { type Frame, readFrames, writeFrame } from './frames.js'

/** Units: ms */
const MEMORY_EVERY = 1000

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {}) // the parent decides when to end

const pipe = new Socket({ fd: 3, readable: true, writable: true })
pipe.on('close', () => process.exit(0))
pipe.on('error', () => process.exit(0))

const report = (id: number, error: unknown) => writeFrame(pipe, { id, kind: SAY.error, header: failureOf(error) })
/** Processor time since the start. */
const cpuSeconds = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
const sayMemory = () =>
  writeFrame(pipe, { id: 0, kind: SAY.memory, header: { bytes: process.memoryUsage.rss(), cpuSeconds: cpuSeconds() } })

process.removeAllListeners('warning') // Node's default handler prints them with the process id
process.on('warning', ({ message }) => writeFrame(pipe, { id: 0, kind: SAY.warning, header: { message } }))

let work: ChildWork | undefined

async function open(id: number, header: OpenHeader): Promise<void> {
  if (header.shell) speakShell()
  const opened = await openServed(header)
  work = new ChildWork(opened, header.deterministic)
  const { context, dim } = opened.run
  const one = new Float32Array(context * dim).fill(dim ** -0.5)
  await work.predict({ context, items: [{ batch: 1 }] }, one) // the first call of a model initialises its kernels
  const { trained, contexts } = opened.run
  const run: ReadyHeader = { ...opened.run, trained: toJson(trained), contexts: toJson(contexts) }
  sayMemory()
  setInterval(sayMemory, MEMORY_EVERY)
  writeFrame(pipe, { id, kind: SAY.ready, header: run })
}

function batchOf(kind: number, header: unknown, payload: Float32Array): Promise<Answer> {
  if (kind === ASK.retrieve) return work!.retrieve(header as BatchHeader<RetrieveItem>, payload)
  if (kind === ASK.feed) return work!.feed(header as BatchHeader<FeedItem>, payload)
  return work!.predict(header as BatchHeader<PredictItem>, payload)
}
async function compute({ id, kind, header, payload }: Frame): Promise<void> {
  const start = performance.now()
  const { header: more, parts } = await batchOf(kind, header, payload)
  writeFrame(pipe, { id, kind: SAY.answer, header: { ms: performance.now() - start, ...more }, parts })
}

readFrames(pipe, (frame) => {
  const { id, kind, header } = frame
  if (kind === ASK.free) return void work?.free((header as FreeHeader).states)
  const done = kind === ASK.open ? open(id, header as OpenHeader) : compute(frame)
  done.catch((error) => report(id, error))
})
