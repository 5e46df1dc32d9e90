import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { createGzip } from 'node:zlib'
import { findArchitecture } from '../architectures/index.js'
import { claimRun } from '../checkpoint/claim.js'
import { linkOrCopy, temporary } from '../checkpoint/durable.js'
import { findRun, runName } from '../checkpoint/folder.js'
import { load, type Model } from '../checkpoint/model.js'
import { CONFIG, type Pruning, type RunManifest, weightsFile } from '../checkpoint/run.js'
import { type Store, verifyRun } from '../checkpoint/store.js'
import { badOption, LvmError } from '../errors.js'
import { measureSpeed } from '../evaluate/evaluate.js'
import type { Speed } from '../evaluate/report.js'
import { type Chosen, chooseRows } from '../evaluate/subject.js'
import { native } from '../native.js'
import { type Options, resolve } from '../options.js'
import { Tensor } from '../torch/tensor.js'
import { type TrainOptions, train } from '../train/train.js'
import { type Gate, gateError, gateSentence, judgeGate, type Scored, score } from './gate.js'
import { pruneFields } from './prune-fields.js'
import { placesOf, type UnitGroup, unitGroups } from './prune-units.js'
import { matricesOf } from './quantize-weights.js'
import { type Piece, pieceOf, writeSafetensors } from './safetensors.js'
import { threshold, unitSaliency, weightSaliency } from './saliency.js'

type Settings = Options<typeof pruneFields>
/** Options of `prune`: the run, what hears of progress, and any field of `pruneFields`. */
export interface PruneOptions {
  readonly run: string
  readonly say?: (line: string) => void
  readonly [option: string]: string | number | boolean | ((line: string) => void) | undefined
}
/** What became of a run, and what that costs. */
export interface Pruned {
  readonly version: 1
  readonly run: string
  readonly parent: string
  readonly model: string
  readonly pruning: Pruning
  readonly gate: Gate
  readonly parameters: { readonly parent: number; readonly result: number }
  readonly size: {
    readonly parent_weights_bytes: number
    readonly weights_bytes: number
    /** Of the weights, once gzip has packed them. */
    readonly parent_compressed_bytes: number
    readonly compressed_bytes: number
  }
  readonly latency: {
    readonly device: string
    readonly threads: number
    readonly batches: readonly { readonly batch: number; readonly parent_ms: number; readonly ms: number }[]
  }
  readonly notes: readonly string[]
}

/** Settings of a training that its fine-tuning shares. */
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
  'objective',
  'loss',
  'weights',
  'precision',
  'recompute',
  'trainEval',
  'preset',
  'seed',
] as const
/** Fine-tuning goes in smaller steps than training did. */
const GENTLER = 5

/** Weights, smaller or with zeros among them, and the options of the model that they fit. */
interface Thinned {
  readonly pieces: readonly Piece[]
  readonly options: Readonly<Record<string, unknown>>
  readonly removed: Pruning['removed']
  readonly zeros: number
}

const byValue = (values: Float64Array) => [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b)
const optionsOf = ({ model, dim, context, options }: RunManifest) =>
  findArchitecture(model).spec({ dim, context }, options.model).options

/** Takes the units that matter least out of every layer. Errors: BAD_OPTION. */
async function withoutUnits(model: Model, kind: 'heads' | 'neurons', o: Settings, rows: Chosen): Promise<Thinned> {
  const { manifest } = model
  const groups = unitGroups(manifest.model, manifest.spec, kind)
  const options = optionsOf(manifest)
  const key = kind === 'heads' ? 'heads' : 'ffn'
  if (!(key in options)) throw badOption('prune', 'structured', 'none, because no option says how many there are,', kind)
  const units = groups[0]!.units
  const left = Math.max(1, Math.round(units * (1 - o.sparsity)))
  const saliency = await unitSaliency(model.native, groups, o.saliency, rows)
  const cuts = new Map<string, { axis: number; places: number[] }[]>()
  const state = new Map(native.modelState(model.native).map(({ name, tensor }) => [name, Tensor.wrap(tensor)]))
  for (const [g, group] of groups.entries()) {
    const kept = byValue(saliency[g]!)
      .slice(0, left)
      .sort((a, b) => a - b)
    for (const side of group.sides) {
      const places = placesOf(kept, units, side, state.get(side.tensor)!.shape[side.axis]!)
      cuts.set(side.tensor, [...(cuts.get(side.tensor) ?? []), { axis: side.axis, places }])
    }
  }
  const pieces = [...state].map(([name, tensor]): Piece => {
    const shape = tensor.shape
    for (const { axis, places } of cuts.get(name) ?? []) shape[axis] = places.length
    return { name, shape, dtype: tensor.dtype, make: () => cut(tensor, cuts.get(name) ?? []) }
  })
  const headDim = options.headDim ?? Number(options.width) / Number(options.heads)
  return {
    pieces,
    options: kind === 'heads' ? { heads: left, ...('headDim' in options && { headDim }) } : { ffn: left },
    removed: groups.map(({ at }: UnitGroup) => ({ at, units, left })),
    zeros: 0,
  }
}

/** The rows or columns of a tensor that stay. */
async function cut(tensor: Tensor, cuts: readonly { axis: number; places: readonly number[] }[]): Promise<Tensor> {
  let whole = await tensor.to({ device: 'cpu' })
  for (const { axis, places } of cuts) {
    using before = whole
    using index = Tensor.from(BigInt64Array.from(places, BigInt))
    whole = await before.op('aten::index_select', axis, index)
  }
  return whole
}

/** Sets the weights of all matrices that matter least to zero. */
async function withoutWeights(model: Model, o: Settings, rows: Chosen): Promise<Thinned> {
  const names = matricesOf(model.native).map(({ name }) => name)
  const saliency = await weightSaliency(model.native, names, o.saliency, rows)
  const limit = await threshold([...saliency.values()], o.sparsity)
  let [zeros, all] = [0, 0]
  for (const tensor of saliency.values()) {
    using small = await tensor.op('aten::le.Scalar', limit)
    using count = await small.op('aten::sum')
    zeros += await count.item()
    all += tensor.shape.reduce((a, b) => a * b, 1)
  }
  const pieces = native.modelState(model.native).map(({ name, tensor }): Piece => {
    const weight = Tensor.wrap(tensor)
    const by = saliency.get(name)
    if (by === undefined) return pieceOf(name, weight)
    const make = async () => {
      using small = await by.op('aten::le.Scalar', limit)
      using thin = await weight.op('aten::masked_fill.Scalar', small, 0)
      return thin.to({ device: 'cpu' })
    }
    return { name, shape: weight.shape, dtype: weight.dtype, make }
  })
  return { pieces, options: {}, removed: [], zeros: zeros / all }
}

/** Bytes of the weights once gzip has packed them. */
async function compressedBytes(model: Model): Promise<number> {
  const gzip = createGzip({ level: 6 })
  let bytes = 0
  const counted = (async () => {
    for await (const chunk of gzip) bytes += (chunk as Buffer).length
  })()
  for (const { tensor } of native.modelState(model.native)) {
    using here = await Tensor.wrap(tensor).to({ device: 'cpu' })
    const { buffer, byteOffset, byteLength } = await here.data()
    if (!gzip.write(Buffer.from(buffer, byteOffset, byteLength))) await new Promise((drained) => gzip.once('drain', drained))
  }
  gzip.end()
  await counted
  return bytes
}

/** Trains the thinned weights on as their run was trained, for no epoch at least; the run lies in `stage`. */
async function retrain(model: Model, thinned: Thinned, file: string, stage: string, o: Settings, say: (line: string) => void) {
  const { manifest } = model
  const before = manifest.options.train
  const data = o.data ?? manifest.data?.path
  if (data === undefined)
    throw badOption('prune', 'data', 'a file of vectors, because the run was imported,', undefined, 'add --data FILE')
  const lr = o.lr ?? Number(before.lr ?? 5e-4) / GENTLER
  const shared = Object.fromEntries(SHARED.map((key) => [key, before[key]]))
  const options = {
    ...shared,
    ...optionsOf(manifest),
    ...thinned.options,
    model: manifest.model,
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
  } as TrainOptions
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== null))
  for await (const event of train(given as TrainOptions)) {
    if (event.type === 'epoch' && o.finetune > 0)
      say(`  epoch ${event.epoch} of ${event.epochs}: validation cosine ${event.val_cosine.toFixed(4)}`)
  }
}

/** Keeps the run that lies in `stage` as one of its own. Errors: NO_DISK. */
async function publish(store: Store, stage: string, parent: Model, pruning: Pruning): Promise<void> {
  const { path, manifest } = await verifyRun(join(stage, 'run'))
  const { version: _v, generation: _g, saved_at: _s, files, digest: _d, ...facts } = manifest as RunManifest
  const init = { path: parent.name, sha256: pruning.parent.weights_sha256 }
  const config = JSON.parse(await readFile(join(path, CONFIG), 'utf8')) as Record<string, unknown>
  await store.save({
    files: {
      ...Object.fromEntries(Object.keys(files).map((name) => [name, (to: string) => linkOrCopy(join(path, name), to)])),
      [CONFIG]: (to) => writeFile(to, `${JSON.stringify({ ...config, init: parent.name }, null, 2)}\n`),
    },
    manifest: { ...(facts as object), init, pruned: pruning },
    bytes: 0, // all of it is on this disk already
  })
}

interface Examined {
  readonly chosen: Chosen
  readonly scored: Scored
  readonly speed: Speed
  readonly compressed: number
}

/**
 * Makes a thinner run of a run: weights, heads or neurons that matter least go, and what is left may be trained on. It is
 * published only when it loses no more than allowed.
 *
 * Errors: those of load, of the data and of train; RUN_EXISTS, BAD_OPTION; GATE_FAILED with the figures, and then nothing is left.
 */
export async function prune({ run, say = () => {}, ...given }: PruneOptions): Promise<Pruned> {
  const o = resolve('prune', pruneFields, given)
  const from = await findRun(run)
  const folder = join(dirname(from), o.name ?? `${basename(from)}_pruned`)
  if (folder === from) throw badOption('prune', 'name', 'another name than that of the run', o.name)
  const store = await claimRun('prune', folder, { overwrite: o.overwrite })
  const stage = temporary(folder)
  const place = { device: o.device, ...(o.threads !== undefined && { threads: o.threads }) }
  let chosen: Chosen | undefined
  try {
    await mkdir(stage, { recursive: true })
    using parent = await load(from, place)
    const { manifest } = parent
    if (manifest.quantized !== undefined)
      throw new LvmError('BAD_OPTION', `prune: expected a run as it was trained but ${parent.name} is quantised`, {
        hint: `prune ${manifest.quantized.parent.run}, which it was made of, and quantise what comes of it`,
      })
    chosen = await chooseRows(parent, { ...o, rows: 'auto' })
    const before = await examine(parent, chosen, o, say)
    const rows = chosen.train === undefined ? chosen : { ...chosen, ...chosen.train }
    say(`${o.structured === 'none' ? 'weights' : o.structured} by ${o.saliency}`)
    const thinned =
      o.structured === 'none' ? await withoutWeights(parent, o, rows) : await withoutUnits(parent, o.structured, o, rows)
    const file = join(stage, 'pruned.safetensors')
    await writeSafetensors(file, thinned.pieces, { format: 'pt' })
    await retrain(parent, thinned, relative(process.cwd(), file), stage, o, say)
    using result = await load(join(stage, 'run'), place)
    const after = await examine(result, chosen, o, say)
    const gate = await judgeGate(before.scored, after.scored, chosen, o)
    say(gateSentence(gate))
    if (!gate.pass) throw gateError('prune', gate)
    const pruning: Pruning = {
      parent: { run: basename(from), weights_sha256: manifest.files[weightsFile(manifest)]!.sha256 },
      structured: o.structured,
      saliency: o.saliency,
      sparsity: o.sparsity,
      zeros: thinned.zeros,
      removed: thinned.removed,
      finetune: o.finetune,
    }
    await publish(store, stage, parent, pruning)
    return {
      version: 1,
      run: runName(folder),
      parent: parent.name,
      model: manifest.model,
      pruning,
      gate,
      parameters: { parent: parent.parameters, result: result.parameters },
      size: {
        parent_weights_bytes: manifest.weights_bytes,
        weights_bytes: result.manifest.weights_bytes,
        parent_compressed_bytes: before.compressed,
        compressed_bytes: after.compressed,
      },
      latency: {
        device: result.device,
        threads: native.threads(),
        batches: after.speed.batches.map(({ batch, p50_ms }, i) => ({
          batch,
          parent_ms: before.speed.batches[i]!.p50_ms,
          ms: p50_ms,
        })),
      },
      notes:
        o.structured === 'none'
          ? ['weights that are zero take as much memory and time as others: only a compressed file is smaller']
          : [],
    }
  } finally {
    chosen?.dispose()
    await rm(stage, { recursive: true, force: true })
    await store.close()
  }
}

async function examine(model: Model, chosen: Chosen, o: Settings, say: (line: string) => void): Promise<Examined> {
  say(`${chosen.ids.length} ${chosen.part} windows with ${model.parameters.toLocaleString('en-US')} parameters`)
  const scored = await score(model, chosen)
  const speed = await measureSpeed({ handle: model.native, device: model.device, loadMs: null }, chosen, o.latency)
  return { chosen, scored, speed, compressed: await compressedBytes(model) }
}
