import type { StoredTensors } from '../../checkpoint/stored-tensors.js'
import type { Tensor } from '../../torch/tensor.js'
import { disposeAll, readWeight } from '../generate/read-weights.js'
import { requireShapes } from '../generate/t5-layout.js'

/** Turns a vector into a few inputs of a T5: two linear layers with a GELU between. */
export interface EmbeddingTransform {
  /** Inputs that a vector becomes. */
  readonly repeat: number
  /** Shapes: x [n, dim] → [n, repeat, width]. */
  apply(x: Tensor): Promise<Tensor>
  dispose(): void
}
/** Tensors of a file below a prefix, without it. */
export const below = (tensors: StoredTensors, prefix: string): StoredTensors =>
  new Map([...tensors].flatMap(([name, stored]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), stored]] : [])))

/** Reads the transform below `prefix`. Older files number its second layer 2 instead of 3. Errors: BAD_CHECKPOINT. */
export async function readTransform(
  path: string,
  tensors: StoredTensors,
  prefix: string,
  sizes: { dim: number; width: number },
): Promise<EmbeddingTransform> {
  const inside = below(tensors, prefix)
  const second = inside.has('2.weight') || inside.has('2.bias') ? 2 : 3
  const hidden = inside.get('0.bias')?.shape[0] ?? sizes.dim
  const out = inside.get(`${second}.bias`)?.shape[0] ?? sizes.width
  const repeat = Math.max(1, Math.round(out / sizes.width))
  const shapes = {
    '0.weight': [hidden, sizes.dim],
    '0.bias': [hidden],
    [`${second}.weight`]: [repeat * sizes.width, hidden],
    [`${second}.bias`]: [repeat * sizes.width],
  }
  requireShapes(path, prefix, inside, new Map(Object.entries(shapes)))
  const read: Tensor[] = []
  try {
    for (const name of Object.keys(shapes)) read.push(await readWeight(path, prefix + name, inside.get(name)!))
  } catch (error) {
    disposeAll(read)
    throw error
  }
  const [w0, b0, w1, b1] = read as [Tensor, Tensor, Tensor, Tensor]
  return {
    repeat,
    async apply(x) {
      using hidden = await x.op('aten::linear', w0, b0)
      using bent = await hidden.op('aten::gelu')
      using flat = await bent.op('aten::linear', w1, b1)
      return await flat.op('aten::reshape', [x.shape[0]!, repeat, sizes.width])
    },
    dispose: () => disposeAll(read),
  }
}
