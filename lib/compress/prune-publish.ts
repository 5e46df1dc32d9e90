import { join } from 'node:path'
import { createGzip } from 'node:zlib'
import { architectureOf } from '../architectures/recorded.js'
import type { Model } from '../checkpoint/model.js'
import { readDocument } from '../checkpoint/run-documents.js'
import { CONFIG, type Pruning, type RunManifest } from '../checkpoint/run-manifest.js'
import { type Store, verifyRun } from '../checkpoint/run-store.js'
import { badOption } from '../errors.js'
import { copyWhole } from '../files/write.js'
import { native } from '../native.js'
import { requireGoing } from '../stages.js'
import { Tensor } from '../torch/tensor.js'
import { type OwnTrainOptions, train } from '../train/train.js'
import { optionsOf, type PrunedWeights, type Settings } from './prune-weights.js'

/** Training settings that fine-tuning keeps. */
const SHARED = [
  'space',
  'normalize',
  'context',
  'split',
  'val',
  'test',
  'maxWindows',
  'batchSize',
  'accumulate',
  'weightDecay',
  'beta1',
  'beta2',
  'eps',
  'clip',
  'ema',
  'objective',
  'loss',
  'weights',
  'precision',
  'recompute',
  'trainEval',
  'preset',
  'seed',
] as const
/** Learning rate of the training divided by that of the fine-tuning. */
const RATE_DIVISOR = 5

/** Returns the size of the weights after gzip. Units: bytes. */
export async function compressedBytes(model: Model): Promise<number> {
  const gzip = createGzip({ level: 6 })
  let bytes = 0
  const counted = (async () => {
    for await (const chunk of gzip) bytes += (chunk as Buffer).length
  })()
  for (const { tensor } of native.modelState(model.native)) {
    using here = await Tensor.wrap(tensor).to({ device: 'cpu' }).ready()
    const { buffer, byteOffset, byteLength } = await here.data()
    if (!gzip.write(Buffer.from(buffer, byteOffset, byteLength))) await new Promise((drained) => gzip.once('drain', drained))
  }
  gzip.end()
  await counted
  return bytes
}

/** Trains the pruned weights with the settings of their run for `finetune` epochs, possibly 0, and saves the run in `stage`. */
export async function retrain(
  model: Model,
  pruned: PrunedWeights,
  file: string,
  stage: string,
  o: Settings,
  say: (line: string) => void,
  signal: AbortSignal | undefined,
) {
  const { manifest } = model
  const before = manifest.options.train
  const data = o.data ?? manifest.data?.path
  if (data === undefined)
    throw badOption('prune', 'data', 'a file of vectors (the run was imported)', undefined, 'add --data FILE')
  const lr = o.lr ?? Number(before.lr ?? 5e-4) / RATE_DIVISOR
  const shared = Object.fromEntries(SHARED.map((key) => [key, before[key]]))
  const options = {
    ...shared,
    ...optionsOf(manifest),
    ...pruned.options,
    model: architectureOf(manifest),
    data,
    schedule: 'constant',
    epochs: o.finetune,
    lr,
    keepZeros: o.structured === 'none',
    init: file,
    device: o.device,
    threads: o.threads ?? manifest.threads,
    out: stage,
    name: 'run',
    ...(o.space !== undefined && { space: o.space }),
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== null))
  for await (const event of train(given as OwnTrainOptions, signal && { signal })) {
    if (event.type === 'epoch' && o.finetune > 0)
      say(`  epoch ${event.epoch} of ${event.epochs}: validation cosine ${event.val_cosine.toFixed(4)}`)
  }
  requireGoing(signal)
}

/** Publishes the run in `stage` under its name. Errors: NO_DISK. */
export async function publish(store: Store, stage: string, parent: Model, pruning: Pruning): Promise<void> {
  const { path, manifest } = await verifyRun(join(stage, 'run'))
  const { version: _v, generation: _g, saved_at: _s, files, digest: _d, ...facts } = manifest as RunManifest
  const init = { path: parent.name, sha256: pruning.parent.weights_sha256 }
  const config = await readDocument(join(path, CONFIG))
  await store.save({
    files: {
      ...Object.fromEntries(Object.keys(files).map((name) => [name, (to: string) => copyWhole(join(path, name), to)])),
      [CONFIG]: `${JSON.stringify({ ...config, init: parent.name }, null, 2)}\n`,
    },
    manifest: { ...(facts as object), init, pruned: pruning },
    bytes: Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0),
  })
}
