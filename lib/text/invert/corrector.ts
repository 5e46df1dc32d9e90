import type { T5Search } from '../../native.js'
import { call, Tensor } from '../../torch/tensor.js'
import type { WeightsFile } from '../../weights/open-weights.js'
import { disposeAll, readWeight } from '../generate/read-weights.js'
import { requireShapes, t5Part } from '../generate/t5-layout.js'
import { END, T5 } from '../generate/t5-model.js'
import { below, type EmbeddingTransform, readTransform } from './embedding-transform.js'
import { allOnes, MODEL, refuseOthers } from './hypothesizer.js'
import { padded } from './t5-tokens.js'

/** Vectors to reach, texts so far and the texts' own vectors. Shapes: vectors and embedded [n, dim]. */
export interface Drafts {
  readonly vectors: Tensor
  readonly embedded: Tensor
  /** Token ids of each text, the start included. */
  readonly ids: readonly (readonly number[])[]
}
/** Writes a better text from a vector, a text and the text's own vector. */
export interface Corrector {
  /** Token ids of n · returned texts. */
  write(drafts: Drafts, search: T5Search, signal?: AbortSignal): Promise<number[][]>
  dispose(): void
}
interface Weights {
  readonly t5: T5
  readonly transforms: readonly EmbeddingTransform[]
  /** Of the LayerNorm over all inputs. */
  readonly norm: readonly [weight: Tensor, bias: Tensor]
}

const NORM = 'layernorm.'
const EPS = 1e-5

/** Inputs of the T5: [end] T₁(e) [end] T₃(h) [end] T₂(e − h) [end] text, normalised. Shapes: → [n, 4 + 3 repeat + time, width]. */
async function inputsOf({ t5, transforms, norm }: Weights, { vectors, embedded }: Drafts, ids: Tensor): Promise<Tensor> {
  const n = vectors.shape[0]!
  const [first, second, third] = transforms as [EmbeddingTransform, EmbeddingTransform, EmbeddingTransform]
  using ends = Tensor.from(new BigInt64Array(n).fill(BigInt(END)), [n, 1])
  using end = await t5.embed(ends)
  using rest = await vectors.op('aten::sub.Tensor', embedded)
  using target = await first.apply(vectors)
  using reached = await third.apply(embedded)
  using difference = await second.apply(rest)
  using text = await t5.embed(ids)
  using whole = (await call('aten::cat', [[end, target, end, reached, end, difference, end, text], 1])) as Tensor
  return await whole.op('aten::layer_norm', [t5.layout.width], ...norm, EPS)
}

async function readNorm({ path, tensors }: WeightsFile, width: number): Promise<[Tensor, Tensor]> {
  const inside = below(tensors, NORM)
  requireShapes(path, NORM, inside, new Map(Object.entries({ weight: [width], bias: [width] })))
  return [
    await readWeight(path, `${NORM}weight`, inside.get('weight')!),
    await readWeight(path, `${NORM}bias`, inside.get('bias')!),
  ]
}

/** Reads a corrector of vectors with `dim` components. Errors: BAD_CHECKPOINT. */
export async function openCorrector(file: WeightsFile, dim: number): Promise<Corrector> {
  const prefixes = [1, 2, 3].map((i) => `embedding_transform_${i}.`)
  refuseOthers(file, [MODEL, ...prefixes, NORM])
  const t5 = await T5.load(t5Part(file, MODEL), { decoder: true })
  const transforms: EmbeddingTransform[] = []
  const dispose = () => {
    t5.dispose()
    for (const transform of transforms) transform.dispose()
  }
  try {
    for (const prefix of prefixes)
      transforms.push(await readTransform(file.path, file.tensors, prefix, { dim, width: t5.layout.width }))
    const weights = { t5, transforms, norm: await readNorm(file, t5.layout.width) }
    return {
      async write(drafts, search, signal) {
        const { ids, mask, longest } = padded(drafts.ids)
        const shape = [drafts.ids.length, longest]
        using rows = Tensor.from(ids, shape)
        using inputs = await inputsOf(weights, drafts, rows)
        using before = allOnes([shape[0]!, inputs.shape[1]! - longest])
        using kept = Tensor.from(mask, shape) // the start is padding too, so it is hidden but keeps its position
        using whole = (await call('aten::cat', [[before, kept], 1])) as Tensor
        return await t5.generate(inputs, whole, search, signal)
      },
      dispose() {
        dispose()
        disposeAll(weights.norm)
      },
    }
  } catch (error) {
    dispose()
    throw error
  }
}
