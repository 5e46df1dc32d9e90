import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { packageRoot } from '../../libtorch/paths.js'
import { fontFinder } from './png-fonts.js'
import { bundledFonts } from './rasterise.js'

/** A picture that a thread draws; `fonts` of the system are needed beside the bundled ones. */
export interface PngTask {
  readonly svg: string
  readonly fonts: readonly Uint8Array[]
}
export type PngAnswer = { readonly png: Uint8Array } | { readonly failed: unknown }

interface Job extends PngTask {
  readonly done: (png: Uint8Array) => void
  readonly failed: (error: unknown) => void
}
interface Hand {
  readonly worker: Worker
  job: Job | undefined
}

const SCRIPT = () => join(packageRoot(), 'dist', 'lib', 'report', 'figures', 'png-thread.js')
const MOST_THREADS = Math.min(4, availableParallelism())
/** Time after which a thread without work ends. Units: ms */
const IDLE = 1000

const hands = new Set<Hand>()
const waiting: Job[] = []

function end(hand: Hand): void {
  hands.delete(hand)
  void hand.worker.terminate()
}

/** Gives a thread its next picture; without one, the thread does not keep the process alive, and ends soon. */
function next(hand: Hand): void {
  hand.job = waiting.shift()
  if (hand.job === undefined) {
    hand.worker.unref()
    setTimeout(() => hand.job === undefined && end(hand), IDLE).unref()
    return
  }
  const { svg, fonts } = hand.job
  hand.worker.ref()
  hand.worker.postMessage({ svg, fonts } satisfies PngTask)
}

function openHand(): void {
  const hand: Hand = { worker: new Worker(SCRIPT()), job: undefined }
  hands.add(hand)
  hand.worker.on('message', (answer: PngAnswer) => {
    const { job } = hand
    if ('png' in answer) job?.done(answer.png)
    else job?.failed(answer.failed)
    next(hand)
  })
  hand.worker.once('error', (error) => {
    hands.delete(hand)
    hand.job?.failed(error)
    if (waiting.length > 0) openHand()
  })
  next(hand)
}

function rasterised(task: PngTask): Promise<Uint8Array> {
  return new Promise((done, failed) => {
    waiting.push({ ...task, done, failed })
    const idle = [...hands].find(({ job }) => job === undefined)
    if (idle !== undefined) next(idle)
    else if (hands.size < MOST_THREADS) openHand()
  })
}

let finder: Promise<ReturnType<typeof fontFinder>> | undefined

/** Finds the fonts of the system that a PNG needs beside the bundled one, and the characters that no font has. */
export async function foreignFonts(svg: string) {
  finder ??= bundledFonts().then((bundled) => fontFinder(bundled))
  return (await finder).need(svg)
}

/** PNGs of SVGs that need no font of the system, oldest first: `verify` and a second report draw most figures again. */
const drawn = new Map<string, Uint8Array>()
/** About 4 MB. */
const MOST_DRAWN = 64

/** Renders an SVG as PNG in a thread, with the bundled font, so that the bytes are the same on every machine, unless `foreignFonts` finds others. */
export async function drawPng(svg: string): Promise<Uint8Array> {
  const { fonts } = await foreignFonts(svg)
  const before = fonts.length === 0 && drawn.get(svg)
  if (before) return before
  const bytes = await rasterised({ svg, fonts })
  if (fonts.length === 0) drawn.set(svg, bytes)
  if (drawn.size > MOST_DRAWN) drawn.delete(drawn.keys().next().value!)
  return bytes
}
