import { longDoor } from '../../control.js'
import type { Base } from '../../data/base.js'
import { abortSignal, count, only, optional } from '../../door.js'
import { LvmError } from '../../errors.js'
import { fixed } from '../../show.js'
import { stage, stopSignal } from '../../stages.js'
import { sampled } from '../../statistics/random.js'
import { Tensor } from '../../torch/tensor.js'
import { requireTexts } from '../decode/sentence-bank.js'
import { Encoder } from '../encoders/encoder.js'

/** Rows whose texts are encoded again, chosen by seed 0. */
export const CHECKED_ROWS = 64
/** Cosine that a row must reach: float16 and bf16 round by less, another encoder differs by far more. */
const SAME_SPACE = 0.999
/** The same where weights and inputs of one side were rounded to 8 bits. */
const SAME_SPACE_INT8 = 0.97
/** Difference of lengths that counts as another scale, as a share. */
const OTHER_LENGTH = 0.01

/** Stored vectors beside those that an encoder makes of their texts. */
export interface SpaceCheck {
  /** Space that the card of the base names; null when it is unknown. */
  readonly base_space: string | null
  readonly encoder_space: string
  readonly encoder_hash: string
  /** Number of rows that were encoded again. */
  readonly rows: number
  /** Cosines of stored and encoded vectors. */
  readonly median: number
  readonly minimum: number
  /** Cosine that every row must reach. */
  readonly required: number
  /** First rows below the limit, from 0. */
  readonly differing: readonly number[]
  /** Median lengths of the stored and of the encoded vectors. */
  readonly length: number
  readonly encoder_length: number
}

/** A base, as `openBase` returns it, an encoder, and the number of rows to compare. */
export interface SpaceCheckOptions {
  readonly base: Base
  readonly encoder: Encoder
  readonly rows?: number
  readonly signal?: AbortSignal | undefined
}

const middle = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!
const named = (space: string | null | undefined) => (space ? `"${space}"` : 'an unknown space')

const mismatch = (sentence: string, hint: string) => new LvmError('SPACE_MISMATCH', sentence, { hint })
const ENCODE_AGAIN =
  'give the encoder that made the vectors, or encode the texts again: lvm-torch data make TEXTS --encoder FOLDER --out BASE'

async function storedRows({ vectors, targets }: Base, ids: Int32Array): Promise<Float32Array> {
  using index = Tensor.from(ids)
  using taken = await (targets ?? vectors).op('aten::index_select', 0, index)
  using plain = await taken.to({ device: 'cpu', dtype: 'float32' }).ready()
  return (await plain.data()) as Float32Array
}

/** Encodes the texts of a seeded sample of rows again and compares the vectors. Errors: TEXT_MISSING; SPACE_MISMATCH for another dimension. */
export async function measureSpace({ base, encoder, rows = CHECKED_ROWS, signal }: SpaceCheckOptions): Promise<SpaceCheck> {
  const { dim } = encoder
  if (base.dim !== dim) {
    throw mismatch(
      `${base.path}: expected vectors of dimension ${dim}, as the encoder of "${encoder.space}" makes them, but the base, of ${named(base.space)}, has dimension ${base.dim}`,
      ENCODE_AGAIN,
    )
  }
  const texts = await requireTexts(base, 'encoder')
  const worded = Int32Array.from(texts.keys()).filter((row) => texts[row]!.trim() !== '')
  if (worded.length === 0) throw new LvmError('TEXT_MISSING', `${base.path}: expected texts to encode again but all are empty`)
  const ids = sampled(worded, rows, 0)
  const stored = await storedRows(base, ids)
  const made = await encoder.encode(
    Array.from(ids, (row) => texts[row]!),
    signal && { signal },
  )
  const [cosines, lengths, madeLengths]: [number[], number[], number[]] = [[], [], []]
  for (let i = 0; i < ids.length; i++) {
    let [inner, a, b] = [0, 0, 0]
    for (let j = i * dim; j < (i + 1) * dim; j++) {
      inner += stored[j]! * made[j]!
      a += stored[j]! ** 2
      b += made[j]! ** 2
    }
    cosines.push(a > 0 && b > 0 && Number.isFinite(a) ? inner / Math.sqrt(a * b) : 0)
    lengths.push(Math.sqrt(a))
    madeLengths.push(Math.sqrt(b))
  }
  const required = [base.encoder?.precision, encoder.precision].includes('int8') ? SAME_SPACE_INT8 : SAME_SPACE
  return {
    base_space: base.space ?? null,
    encoder_space: encoder.space,
    encoder_hash: encoder.hash,
    rows: ids.length,
    median: middle(cosines),
    minimum: Math.min(...cosines),
    required,
    differing: [...ids].filter((_, i) => cosines[i]! < required).slice(0, 5),
    length: middle(lengths),
    encoder_length: middle(madeLengths),
  }
}

const cosine = (x: number) => fixed(x, 4)

/** Fault of a check, as a sentence; undefined for vectors of the encoder. */
function faultOf({ path, normalized }: Base, found: SpaceCheck): string | undefined {
  const { rows, median, minimum, required, differing, length, encoder_length: own } = found
  const spaces = `the base is of ${named(found.base_space)} and the encoder of "${found.encoder_space}"`
  const measured = `${rows} of its texts, encoded again, have a median cosine of ${cosine(median)} and a minimum of ${cosine(minimum)}`
  if (median < required) return `${path}: expected vectors of this encoder (cosine ≥ ${required}) but ${spaces}: ${measured}`
  if (differing.length > 0)
    return `${path}: expected all vectors of this encoder (cosine ≥ ${required}), where ${spaces}, but rows ${differing.join(', ')} differ: ${measured}`
  if (!normalized && Math.abs(length - own) > OTHER_LENGTH * own)
    return `${path}: expected vectors of this encoder but ${spaces}: the directions agree (median cosine ${cosine(median)}), and the lengths do not: ${length.toPrecision(4)} in the base, ${own.toPrecision(4)} from the encoder`
  return undefined
}

const isBase = (value: unknown): boolean => typeof value === 'object' && (value as Partial<Base>).vectors instanceof Tensor
const ARGS = {
  options: only({
    base: { expected: 'a base, as openBase returns it', accepts: isBase },
    encoder: { expected: 'an Encoder', accepts: (value) => value instanceof Encoder },
    rows: optional(count),
    signal: optional(abortSignal),
  }),
}

/**
 * Checks by measurement that an encoder made the vectors of a base: it encodes the texts of some rows again.
 *
 * Errors: SPACE_MISMATCH with both spaces and the measured cosines; TEXT_MISSING for a base without texts.
 */
export const checkSpace = longDoor('checkSpace', ARGS, async (options: SpaceCheckOptions): Promise<SpaceCheck> => {
  const found = await stage('encode', () => measureSpace({ signal: stopSignal(), ...options }))
  const fault = faultOf(options.base, found)
  if (fault !== undefined) throw mismatch(fault, ENCODE_AGAIN)
  return found
})
