// Runs in its own process (inference-process.ts): computes batches that come as frames over file descriptor 3, and ends with that pipe.
import { Socket } from 'node:net'
import { openServed } from './child-run.js'
import { type ChildWork, childWork, failureOf } from './child-work.js'
import { ASK, type BatchHeader, type FreeHeader, type OpenHeader, type ReadyHeader, SAY } from './engine-messages.js'
import { type Frame, readFrames, writeFrame } from './frames.js'

/** Units: ms */
const MEMORY_EVERY = 1000

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {}) // the parent decides when to end

const pipe = new Socket({ fd: 3, readable: true, writable: true })
pipe.on('close', () => process.exit(0))
pipe.on('error', () => process.exit(0))

const report = (id: number, error: unknown) => writeFrame(pipe, { id, kind: SAY.error, header: failureOf(error) })
const sayMemory = () => writeFrame(pipe, { id: 0, kind: SAY.memory, header: { bytes: process.memoryUsage.rss() } })

let work: ChildWork | undefined

async function open(id: number, header: OpenHeader): Promise<void> {
  const opened = await openServed(header)
  work = childWork(opened, header.deterministic)
  const { context, dim } = opened.run
  const one = new Float32Array(context * dim).fill(dim ** -0.5)
  await work.predict({ context, items: [{ batch: 1 }] }, one) // the first call of a model initialises its kernels
  const { contexts } = opened.run
  const longest = Number.isFinite(contexts.longest) ? contexts.longest : null
  const run: ReadyHeader = { ...opened.run, contexts: { shortest: contexts.shortest, longest } }
  sayMemory()
  setInterval(sayMemory, MEMORY_EVERY)
  writeFrame(pipe, { id, kind: SAY.ready, header: run })
}

async function compute(id: number, kind: number, header: BatchHeader<never>, payload: Float32Array): Promise<void> {
  const start = performance.now()
  const run = kind === ASK.predict ? work!.predict : kind === ASK.retrieve ? work!.retrieve : work!.feed
  const { header: more, parts } = await run(header, payload)
  writeFrame(pipe, { id, kind: SAY.answer, header: { ms: performance.now() - start, ...more }, parts })
}

readFrames(pipe, ({ id, kind, header, payload }: Frame) => {
  if (kind === ASK.free) return work?.free((header as FreeHeader).states)
  const done = kind === ASK.open ? open(id, header as OpenHeader) : compute(id, kind, header as BatchHeader<never>, payload)
  done.catch((error) => report(id, error))
})
