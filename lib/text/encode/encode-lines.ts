import { LvmError } from '../../errors.js'
import { damaged } from '../../files/read-file.js'
import { Tensor } from '../../torch/tensor.js'
import type { Encoder } from '../encoders/encoder.js'
import type { TextLine } from './text-lines.js'

/** Texts that are encoded together, and their longest sum. Units: characters. */
export const [BLOCK, BLOCK_CHARACTERS] = [256, 1 << 18]

/** Consecutive texts with their vectors. */
export interface EncodedBlock {
  readonly texts: readonly string[]
  /** Shapes: texts · dim, in the type that is written. */
  readonly vectors: Float32Array | Uint16Array
  /** The same as decimal numbers, with as few digits as give them back. */
  readonly numbers: () => number[]
  /** Number of its texts that lost their last words. */
  readonly truncated: number
}

export interface EncodeLinesOptions {
  readonly encoder: Encoder
  /** Name of the input in errors. */
  readonly name: string
  readonly dtype: 'float32' | 'float16'
  readonly empty: 'refuse' | 'encode' | 'skip'
  /** Wait until a block is full, so that equal inputs give equal blocks however they arrive. */
  readonly full: boolean
  readonly signal?: AbortSignal | undefined
}

function kept({ text, number }: TextLine, { name, empty }: EncodeLinesOptions): boolean {
  if (text.trim() !== '') return true
  if (empty === 'refuse')
    throw damaged(name, `line ${number} is empty`, undefined, 'remove it, or use --empty skip or --empty encode')
  return empty === 'encode'
}

/** Texts in blocks of bounded size. */
async function* blocks(lines: AsyncIterable<readonly TextLine[]>, o: EncodeLinesOptions): AsyncGenerator<string[]> {
  let texts: string[] = []
  let characters = 0
  for await (const some of lines) {
    for (const line of some) {
      if (!kept(line, o)) continue
      texts.push(line.text)
      characters += line.text.length
      if (texts.length === BLOCK || characters >= BLOCK_CHARACTERS) {
        yield texts
        ;[texts, characters] = [[], 0]
      }
    }
    if (!o.full && texts.length > 0) {
      yield texts
      ;[texts, characters] = [[], 0]
    }
  }
  if (texts.length > 0) yield texts
}

/** Number of texts with more tokens than the encoder reads; a text has at most about one token per character. */
function truncatedIn(texts: readonly string[], encoder: Encoder): number {
  const long = texts.filter((text) => text.length + encoder.prompt.length + 2 > encoder.maxTokens)
  return encoder.tokenCounts(long).filter((tokens) => tokens > encoder.maxTokens).length
}

async function stored(vectors: Float32Array, texts: readonly string[], { encoder, dtype, name }: EncodeLinesOptions) {
  using wide = Tensor.from(vectors, [texts.length, encoder.dim])
  using narrow = await wide.to({ dtype }).ready()
  using back = await narrow.to({ dtype: 'float32' }).ready()
  const values = (await back.data()) as Float32Array
  const wrong = values.findIndex((value) => !Number.isFinite(value))
  const digits = dtype === 'float32' ? 9 : 5
  const numbers = () => Array.from(values, (value) => Number(value.toPrecision(digits)))
  if (wrong < 0) return { vectors: (await narrow.data()) as Float32Array | Uint16Array, numbers }
  const text = JSON.stringify(texts[Math.floor(wrong / encoder.dim)]!.slice(0, 60))
  throw new LvmError('DATA_NOT_FINITE', `encode: ${name}: the vector of ${text} is not finite in ${dtype}`, {
    hint: 'use --dtype float32 and --precision float32',
  })
}

/** Encodes lines of texts, block by block. Errors: DATA_FORMAT, DATA_NOT_FINITE, INTERRUPTED. */
export async function* encodeLines(
  lines: AsyncIterable<readonly TextLine[]>,
  o: EncodeLinesOptions,
): AsyncGenerator<EncodedBlock> {
  for await (const texts of blocks(lines, o)) {
    const vectors = await o.encoder.encode(texts, o.signal && { signal: o.signal })
    yield { texts, ...(await stored(vectors, texts, o)), truncated: truncatedIn(texts, o.encoder) }
  }
}
