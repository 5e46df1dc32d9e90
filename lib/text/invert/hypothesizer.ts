import { LvmError } from '../../errors.js'
import type { T5Search } from '../../native.js'
import { Tensor } from '../../torch/tensor.js'
import type { WeightsFile } from '../../weights/open-weights.js'
import { t5Part } from '../generate/t5-layout.js'
import { T5 } from '../generate/t5-model.js'
import { readTransform } from './embedding-transform.js'

/** Writes a first text for each vector. */
export interface Hypothesizer {
  /** Shapes: vectors [n, dim] → token ids of n · returned texts. */
  write(vectors: Tensor, search: T5Search, signal?: AbortSignal): Promise<number[][]>
  dispose(): void
}
/** Prefix of the T5 in both files. */
export const MODEL = 'encoder_decoder.'

/** Refuses tensors outside the known parts. Errors: BAD_CHECKPOINT. */
export function refuseOthers({ path, tensors }: WeightsFile, prefixes: readonly string[]): void {
  const others = [...tensors.keys()].filter((name) => !prefixes.some((prefix) => name.startsWith(prefix)))
  if (others.length === 0) return
  const more = others.length > 20 ? ` and ${others.length - 20} more` : ''
  throw new LvmError(
    'BAD_CHECKPOINT',
    `${path}: expected only tensors below ${prefixes.join(', ')} but it also has ${others.slice(0, 20).join(', ')}${more}`,
  )
}

/** A mask of ones for all inputs. Shapes: x [n, time, width] → [n, time]. */
export const allOnes = ([n, time]: readonly number[]) => Tensor.from(new BigInt64Array(n! * time!).fill(1n), [n!, time!])

/** Reads a hypothesizer of vectors with `dim` components. Errors: BAD_CHECKPOINT. */
export async function openHypothesizer(file: WeightsFile, dim: number): Promise<Hypothesizer> {
  refuseOthers(file, [MODEL, 'embedder.', 'embedding_transform.'])
  const t5 = await T5.load(t5Part(file, MODEL), { decoder: true })
  const transform = await readTransform(file.path, file.tensors, 'embedding_transform.', { dim, width: t5.layout.width }).catch(
    (error) => {
      t5.dispose()
      throw error
    },
  )
  return {
    async write(vectors, search, signal) {
      using inputs = await transform.apply(vectors)
      using mask = allOnes(inputs.shape)
      return await t5.generate(inputs, mask, search, signal)
    },
    dispose() {
      t5.dispose()
      transform.dispose()
    },
  }
}
