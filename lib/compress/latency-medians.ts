import { contexts } from '../baselines/baselines-rows.js'
import type { Chosen } from '../evaluate/subject.js'
import { type NativeModel, native } from '../native.js'
import { requireGoing } from '../stages.js'
import { BATCHES } from '../study/benchmark/benchmark-inputs.js'
import { interleaved } from '../study/benchmark/blocks.js'
import { Tensor } from '../torch/tensor.js'

const ROUNDS = 10
/** Larger models are not loaded at the same time. Units: bytes. */
export const SMALL = 1e9

/** Measures the median latency of each model for each batch size; the models take turns. Units: milliseconds. Errors: the reason of `signal`. */
export async function medians(
  models: readonly NativeModel[],
  rows: Chosen,
  { latency: seconds }: { latency: number },
  signal: AbortSignal | undefined,
): Promise<number[][]> {
  const inputs: Tensor[] = []
  try {
    for (const batch of BATCHES) {
      const ids = Int32Array.from({ length: batch }, (_, i) => rows.ids[i % rows.ids.length]!)
      inputs.push(await contexts(rows, ids))
    }
    const timed = BATCHES.flatMap((batch, i) =>
      models.map((model) => ({
        batch,
        call: async () => {
          requireGoing(signal)
          using output = Tensor.wrap(await native.modelPredict(model, inputs[i]!.native, false))
          await output.data() // waits until the device has finished
        },
      })),
    )
    const found = await interleaved(timed, async () => {}, { seconds, rounds: ROUNDS })
    return models.map((_, m) => BATCHES.map((_, i) => found[i * models.length + m]!.p50_ms))
  } finally {
    for (const input of inputs) input.dispose()
  }
}
