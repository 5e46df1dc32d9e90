import { asLvmError } from '../../errors.js'
import { Encoder } from '../encoders/encoder.js'
import { SAMPLE_SENTENCES } from '../encoders/sample-sentences.js'
import type { Fetched } from './encoder-store.js'

/** File of the golden sentences and their vectors, beside the description. */
export const GOLDEN = 'golden.json'
/** Cosine of golden vectors on two machines, whose rounding differs. */
export const GOLDEN_COSINE = 0.9999

/** The last one is longer than what most encoders read. */
const SENTENCES = [...SAMPLE_SENTENCES, 'word '.repeat(600).trim()]

/** Content of `golden.json`: sentences with their vectors, as base64 of little-endian float32. */
export interface Golden {
  readonly version: 1
  readonly dim: number
  readonly sentences: readonly string[]
  readonly vectors: string
}

const numbersOf = (base64: string): Float32Array => {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'))
  return new Float32Array(bytes.buffer, 0, bytes.length >> 2)
}

type Facts = Pick<Fetched, 'space' | 'dim' | 'encoder_hash' | 'problem'> & { readonly golden: Golden | undefined }

/** Opens a fetched folder and encodes the golden sentences; a folder that is no encoder, or no libtorch, is a `problem`. */
export async function describeEncoder(folder: string): Promise<Facts> {
  try {
    using encoder = await Encoder.open(folder)
    const { dim, space, hash } = encoder
    const vectors = await encoder.encode(SENTENCES)
    const golden: Golden = {
      version: 1,
      dim,
      sentences: SENTENCES,
      vectors: Buffer.from(vectors.buffer).toString('base64'),
    }
    return { space, dim, encoder_hash: hash, problem: null, golden }
  } catch (error) {
    const { code, message } = asLvmError(error)
    return { space: null, dim: null, encoder_hash: null, problem: `${code}: ${message}`, golden: undefined }
  }
}

/** Lowest cosine of the golden vectors and those that the encoder makes now; −1 for another dimension. Errors: those of Encoder. */
export async function goldenCosine(folder: string, { dim, sentences, vectors }: Golden): Promise<number> {
  using encoder = await Encoder.open(folder)
  if (encoder.dim !== dim) return -1
  const [was, now] = [numbersOf(vectors), await encoder.encode(sentences)]
  let lowest = 1
  for (let row = 0; row < sentences.length; row++) {
    let [inner, a, b] = [0, 0, 0]
    for (let j = row * dim; j < (row + 1) * dim; j++) {
      inner += was[j]! * now[j]!
      a += was[j]! ** 2
      b += now[j]! ** 2
    }
    lowest = Math.min(lowest, inner / Math.sqrt(a * b) || 0)
  }
  return lowest
}
