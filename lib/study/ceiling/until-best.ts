import type { Baseline } from '../../baselines/baselines-fit.js'
import { meanCosine, type Rows } from '../../baselines/baselines-rows.js'
import { native } from '../../native.js'
import { stage, tally } from '../../stages.js'
import { Tensor } from '../../torch/tensor.js'
import { type Network, type NetworkOptions, openNetwork } from './network.js'

/** Learning rates in turn; the next begins when the cosine on the held-out windows no longer improves. */
const RATES = [1e-3, 3e-4, 1e-4]
/** Shares of the limits at which each rate ends at the latest, so that the later rates get their part. */
const ENDS = [0.6, 0.8, 1]
/**
 * Limit of the work of a network's training; it allows about three epochs on 40,000 vectors.
 * Units: floating-point operations.
 */
const WORK = 6e11
/** Epochs between two checks, and most steps; the first rate warms up for half of that. */
const [CHECK_EPOCHS, CHECK_STEPS] = [2, 200]
/** Number of consecutive checks without this gain in cosine that ends a rate. */
const [PATIENCE, GAIN] = [2, 1e-4]

/** End of one network's training. */
export interface NetworkEnd {
  readonly name: string
  readonly epochs: number
  /** False when the time limit ended training before it stopped improving or reached the limit of its work. */
  readonly finished: boolean
}

/** Copies the weights of a network. */
async function copyWeights({ model }: Network) {
  const live = native.modelState(model).map(({ tensor }) => Tensor.wrap(tensor))
  const copies: Tensor[] = []
  for (const tensor of live) copies.push(await tensor.op('aten::clone'))
  return {
    async restore() {
      for (const [i, tensor] of live.entries()) await tensor.change('aten::copy_', copies[i]!)
    },
    dispose() {
      for (const copy of copies) copy.dispose()
    },
  }
}

/** Trains until no rate improves the held-out windows or a limit is reached, then restores the weights of the best check. */
async function trainUntilBest(network: Network, held: Rows, seconds: number) {
  const began = performance.now()
  const spent = () => (performance.now() - began) / 1000 / seconds
  const check = Math.min(CHECK_STEPS, CHECK_EPOCHS * network.stepsPerEpoch)
  const work = () => (steps / network.stepsPerEpoch) * (network.epochCost / WORK)
  let [steps, cosine, finished] = [0, -Infinity, true]
  let best: Awaited<ReturnType<typeof copyWeights>> | undefined
  try {
    for (const [i, rate] of RATES.entries()) {
      await best?.restore()
      let failed = 0
      const share = () => Math.max(spent(), work())
      while (failed < PATIENCE && (steps === 0 || share() < ENDS[i]!)) {
        tally(Math.round(Math.min(1, share()) * seconds), Math.round(seconds)) // the most that it takes
        await stage('train', () => network.advance(steps, check, (step) => rate * Math.min(1, (2 * (step + 1)) / check)))
        steps += check
        const now = await stage('check', () => meanCosine(held, (ids) => network.predict(held, ids)))
        failed = now > cosine + GAIN ? 0 : failed + 1
        if (now <= cosine) continue
        cosine = now
        best?.dispose()
        best = await copyWeights(network)
      }
      finished &&= failed === PATIENCE || work() >= ENDS[i]!
    }
    await best?.restore()
  } finally {
    best?.dispose()
  }
  return { epochs: steps / network.stepsPerEpoch, finished }
}

/** Trains a network until the held-out windows stop improving or the time limit is reached. Units: seconds. */
export async function fitUntilBest<Name extends string>(
  name: Name,
  train: Rows,
  { held, seconds, ...o }: NetworkOptions & { readonly held: Rows; readonly seconds: number },
): Promise<{ fitted: Baseline<Name>; end: NetworkEnd }> {
  const network = await openNetwork(train, o)
  try {
    const { epochs, finished } = await trainUntilBest(network, held, seconds)
    const params = { width: o.width, dropout: o.dropout ?? 0, epochs }
    return { fitted: { name, params, predict: network.predict, dispose: network.dispose }, end: { name, epochs, finished } }
  } catch (error) {
    network.dispose()
    throw error
  } finally {
    network.close()
  }
}
