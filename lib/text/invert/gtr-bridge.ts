import { LvmError } from '../../errors.js'
import { call, type Tensor } from '../../torch/tensor.js'
import type { GtrSpace } from './gtr-space.js'
import { cosine } from './inversion.js'
import type { ReEmbedder } from './re-embedder.js'

/** Converts vectors of one space of gtr-t5-base to another. */
export interface Bridge {
  readonly from: GtrSpace
  readonly to: GtrSpace
  /** Texts that it was measured on. */
  readonly texts: number
  /** Cosines of the texts' converted vectors with their own vectors in the target space. */
  readonly round_trip: { readonly mean: number; readonly min: number }
  /** Condition number of the dense layer; null when it is not inverted. */
  readonly condition: number | null
  /** Length that vectors of `gtr-mean` receive, the mean over the texts; null for another target. */
  readonly norm: number | null
}
export interface OpenBridge extends Bridge {
  /** Shapes: [n, dim] → [n, dim]. */
  convert(vectors: Tensor): Promise<Tensor>
}

const FEWEST = 2
const MOST = 256

async function unit(x: Tensor, length = 1): Promise<Tensor> {
  using norms = await x.op('aten::linalg_vector_norm', 2, [-1], true)
  using scale = await norms.op('aten::div.Scalar', length)
  return await x.op('aten::div.Tensor', scale)
}

/** W⁻¹v in float64, because the condition of W is unknown. Shapes: v [n, dim], w [dim, dim] → [n, dim]. */
async function solved(v: Tensor, w: Tensor): Promise<Tensor> {
  using wide = await w.to({ dtype: 'float64' }).ready()
  using right = await v.to({ dtype: 'float64' }).ready()
  using columns = await right.op('aten::t')
  using solution = await wide.op('aten::linalg_solve', columns)
  using rows = await solution.op('aten::t')
  using dense = await rows.op('aten::contiguous')
  return await dense.to({ dtype: 'float32' }).ready()
}

async function conditionOf(w: Tensor): Promise<number> {
  using values = await w.op('aten::linalg_svdvals')
  const sizes = (await values.data()) as Float32Array
  return sizes[0]! / sizes.at(-1)!
}

const rowsOf = async (x: Tensor): Promise<Float32Array[]> => {
  const data = (await x.data()) as Float32Array
  const dim = x.shape[1]!
  return Array.from({ length: x.shape[0]! }, (_, i) => data.subarray(i * dim, (i + 1) * dim))
}

async function embedded(embedder: ReEmbedder, texts: readonly string[], space: GtrSpace): Promise<Tensor> {
  const parts: Tensor[] = []
  for (let at = 0; at < texts.length; at += 32) parts.push(await embedder.embed(texts.slice(at, at + 32), space))
  const whole = (await call('aten::cat', [parts])) as Tensor
  for (const part of parts) part.dispose()
  return whole
}

/**
 * Builds a bridge and measures it on texts.
 *
 * Errors: BAD_OPTION for fewer than two texts; BAD_CHECKPOINT without a dense layer to and from `gtr-st`.
 */
export async function openBridge(
  embedder: ReEmbedder,
  from: GtrSpace,
  to: GtrSpace,
  given: readonly string[],
): Promise<OpenBridge> {
  const texts = [...new Set(given.filter((text) => text.trim() !== ''))].slice(0, MOST)
  if (texts.length < FEWEST)
    throw new LvmError(
      'BAD_OPTION',
      `bridge: expected at least ${FEWEST} different texts for "calibration" but received ${texts.length}`,
      { hint: 'give about 200 sentences like those of the vectors: with decode, by --bank' },
    )
  const { dense } = embedder
  if (dense === undefined && from !== to && (from === 'gtr-st' || to === 'gtr-st'))
    throw new LvmError('BAD_CHECKPOINT', `bridge: expected a dense layer for a bridge from ${from} to ${to} but there is none`, {
      hint: 'name the folder of gtr-t5-base, which has a Dense module, with --embedder',
    })
  using raw = await embedded(embedder, texts, 'gtr-mean')
  const lengths = (await rowsOf(raw)).map((row) => Math.sqrt(row.reduce((sum, x) => sum + x * x, 0)))
  const norm = lengths.reduce((sum, x) => sum + x, 0) / lengths.length
  const convert = async (v: Tensor): Promise<Tensor> => {
    if (from === to) return await v.op('aten::clone')
    if (to === 'gtr-st') {
      using turned = await v.op('aten::linear', dense!)
      return await unit(turned)
    }
    using back = from === 'gtr-st' ? await solved(v, dense!) : await v.op('aten::clone')
    return await unit(back, to === 'gtr-mean' ? norm : 1)
  }
  using start = await embedded(embedder, texts, from)
  using truth = await embedded(embedder, texts, to)
  using reached = await convert(start)
  const [a, b] = [await rowsOf(reached), await rowsOf(truth)]
  const cosines = a.map((row, i) => cosine(row, b[i]!))
  return {
    from,
    to,
    texts: texts.length,
    round_trip: { mean: cosines.reduce((sum, x) => sum + x, 0) / cosines.length, min: Math.min(...cosines) },
    condition: from === 'gtr-st' && to !== from ? await conditionOf(dense!) : null,
    norm: to === 'gtr-mean' && from !== to ? norm : null,
    convert,
  }
}
