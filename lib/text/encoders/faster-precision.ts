import { type NativeModel, native } from '../../native.js'
import { recall, remember } from '../../torch/machine-memory.js'
import { machineKey } from '../../torch/multiplier.js'
import type { TextTokenizer } from '../tokens/text-tokenizer.js'
import type { Precision } from './encoder-fields.js'
import { SAMPLE_SENTENCES } from './sample-sentences.js'

/** bf16 is chosen only when float32 takes more than this times as long, because timings are noisy. */
const CLEARLY_SLOWER = 1.1
/** Lowest cosine of vectors in bf16 to those in float32. */
const SAME_VECTORS = 0.9999
const ROUNDS = 3
/** A batch of some hundred tokens. */
const TEXTS = [...SAMPLE_SENTENCES, ...SAMPLE_SENTENCES, ...SAMPLE_SENTENCES]
const FILE = 'encoder-precision.json'

interface Timed {
  readonly vectors: Float32Array
  /** Units: microseconds of all threads. */
  readonly time: number
}

/** Encodes the sample sentences; the least processor time of some rounds after a first one, which other processes change little. */
async function timed(model: NativeModel, tokenizer: TextTokenizer, most: number): Promise<Timed> {
  const texts = TEXTS.map((text) => tokenizer.ids(text, most))
  const [ids, lengths] = [Int32Array.from(texts.flat()), Int32Array.from(texts, ({ length }) => length)]
  const vectors = await native.textEncode(model, ids, lengths)
  let least = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.cpuUsage()
    await native.textEncode(model, ids, lengths)
    const { user, system } = process.cpuUsage(start)
    least = Math.min(least, user + system)
  }
  return { vectors, time: least }
}

function lowestCosine(a: Float32Array, b: Float32Array, rows: number): number {
  const dim = a.length / rows
  let lowest = 1
  for (let at = 0; at < a.length; at += dim) {
    let [inner, x, y] = [0, 0, 0]
    for (let i = at; i < at + dim; i++) {
      inner += a[i]! * b[i]!
      x += a[i]! ** 2
      y += b[i]! ** 2
    }
    lowest = Math.min(lowest, inner / Math.sqrt(x * y) || 0)
  }
  return lowest
}

type Faster = Extract<Precision, 'float32' | 'bf16'>

async function measured(model: NativeModel, tokenizer: TextTokenizer, most: number): Promise<Faster> {
  const exact = await timed(model, tokenizer, most)
  if (!(await native.modelRoundToBf16(model))) return 'float32'
  const rounded = await timed(model, tokenizer, most)
  const same = lowestCosine(exact.vectors, rounded.vectors, TEXTS.length) >= SAME_VECTORS
  return same && exact.time > CLEARLY_SLOWER * rounded.time ? 'bf16' : 'float32'
}

/** Returns bf16 if an encoder is clearly faster in it and keeps its vectors; measured once per machine and hash, with a model that `load` returns. */
export async function fasterPrecision(
  encoder: { readonly hash: string; readonly tokenizer: TextTokenizer; readonly maxTokens: number },
  load: () => Promise<NativeModel>,
): Promise<Faster> {
  const machine = `${machineKey()} · ${native.multiplier()}`
  const before = recall(FILE, machine)[encoder.hash]
  if (before === 'float32' || before === 'bf16') return before
  const model = await load()
  try {
    const found = await measured(model, encoder.tokenizer, encoder.maxTokens)
    await remember(FILE, machine, { [encoder.hash]: found })
    return found
  } finally {
    native.dispose(model)
  }
}
