import { rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { claimRun } from '../checkpoint/claim.js'
import { linkOrCopy, temporary } from '../checkpoint/durable.js'
import { findRun, runName } from '../checkpoint/folder.js'
import { goldenRows } from '../checkpoint/golden.js'
import { chooseKernels, DEQUANTIZED, kernelMachine, shapeKey } from '../checkpoint/kernels.js'
import { load, type Model } from '../checkpoint/model.js'
import { loadQuantized } from '../checkpoint/open-model.js'
import { openQuantized, type Quantization, type QuantizedMatrix, type Scheme, sizesOf } from '../checkpoint/quantized.js'
import { CONFIG, HISTORY, QUANTIZED, type RunFacts, SPLIT, weightsFile } from '../checkpoint/run.js'
import type { Store } from '../checkpoint/store.js'
import { openWeights, type WeightsFile } from '../checkpoint/stored.js'
import { badOption, LvmError } from '../errors.js'
import { measureSpeed } from '../evaluate/evaluate.js'
import type { Speed } from '../evaluate/report.js'
import { type Chosen, chooseRows } from '../evaluate/subject.js'
import { packageVersion } from '../libtorch/paths.js'
import { native } from '../native.js'
import { type Options, resolve } from '../options.js'
import { sampled } from '../train/prepare.js'
import { type Gate, gateError, gateSentence, judgeGate, type Scored, score } from './gate.js'
import { quantizeFields } from './quantize-fields.js'
import { bytesOf, type ModelMatrix, matricesOf, writeQuantized } from './quantize-weights.js'
import { effects, searchWindows } from './sensitivity.js'

type Settings = Options<typeof quantizeFields>

/** Options of `quantize`: the run, what hears of progress, and any field of `quantizeFields`. */
export interface QuantizeOptions {
  readonly run: string
  readonly to?: Scheme
  readonly say?: (line: string) => void
  readonly [option: string]: string | number | boolean | ((line: string) => void) | undefined
}
/** What became of a run, and what that costs. */
export interface Quantized {
  readonly version: 1
  readonly run: string
  readonly parent: string
  readonly model: string
  readonly scheme: Scheme
  readonly layers: Quantization['layers']
  readonly kernels: Quantization['kernels']
  readonly gate: Gate
  readonly size: { readonly parent_weights_bytes: number; readonly weights_bytes: number; readonly file_bytes: number }
  /** Milliseconds of a call, median, by batch size. */
  readonly latency: {
    readonly device: string
    readonly threads: number
    readonly batches: readonly { readonly batch: number; readonly parent_ms: number; readonly ms: number }[]
  }
  /** What else should be known. */
  readonly notes: readonly string[]
}

/** Slower than its parent by more than noise. */
const SLOWER = 1.05
/** At least this share of the numbers must become small, or it is not what was asked for. */
const SMALLEST_SHARE = 0.5

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
const numbersOf = (matrix: ModelMatrix) => matrix.shape.reduce((a, b) => a * b, 1)

/** Everything about the parent that outlives it in memory. */
interface Parent {
  readonly model: Model
  readonly source: WeightsFile
  readonly chosen: Chosen
  readonly matrices: readonly ModelMatrix[]
  readonly scored: Scored
  readonly speed: Speed
  readonly drops: ReadonlyMap<string, number>
}

/** The matrices that were named to be kept. Errors: BAD_OPTION for a name that is none. */
function named(keep: string, matrices: readonly ModelMatrix[]): string[] {
  if (keep === 'auto' || keep === 'none') return []
  return keep.split(',').flatMap((word) => {
    const found = matrices.filter(({ name }) => name === word || name.startsWith(`${word}.`))
    if (found.length === 0)
      throw badOption('quantize', 'keep', `auto, none or names among ${matrices.map(({ name }) => name).join(', ')}`, word)
    return found.map(({ name }) => name)
  })
}

/** Judges the parent, and finds what each of its matrices minds; its memory is free again afterwards. */
async function examine(model: Model, o: Settings, say: (line: string) => void): Promise<Parent> {
  const { manifest } = model
  const source = await openWeights(model.folder)
  const chosen = await chooseRows(model, o)
  try {
    say(`${model.name}: ${chosen.ids.length} ${chosen.part} windows, as it is`)
    const scored = await score(model, chosen)
    const speed = await measureSpeed({ handle: model.native, device: model.device, loadMs: null }, chosen, o.latency)
    const matrices = matricesOf(model.native)
    const from = chosen.train ?? chosen
    const ids = sampled(from.ids, searchWindows(matrices.length, manifest.parameters), manifest.seed)
    say(`each of ${matrices.length} matrices alone, on ${ids.length} ${chosen.train ? 'training' : chosen.part} windows`)
    let told = performance.now()
    const drops = await effects(model.native, matrices, { ...from, ids }, o.to, (count) => {
      if (performance.now() - told < 5000) return
      told = performance.now()
      say(`  ${count} of ${matrices.length}`)
    })
    for (const [name, drop] of [...drops].sort((a, b) => b[1] - a[1])) say(`  ${drop.toFixed(6).padStart(10)}  ${name}`)
    return { model, source, chosen, matrices, scored, speed, drops }
  } catch (error) {
    chosen.dispose()
    throw error
  } finally {
    model.dispose()
  }
}

/** A candidate on the disk, and how it did. */
interface Candidate {
  readonly path: string
  readonly kept: ReadonlySet<string>
  readonly gate: Gate
}

const quantizedMatrices = ({ matrices }: Parent, kept: ReadonlySet<string>, scheme: Scheme): Map<string, QuantizedMatrix> =>
  new Map(matrices.flatMap(({ name, shape, layout }) => (kept.has(name) ? [] : [[name, { scheme, shape, layout }]])))

/** Of what is quantised, the matrices that mind it most, until what they mind makes up for a loss. */
function mostSensitive({ drops }: Parent, kept: ReadonlySet<string>, excess: number): string[] {
  const rest = [...drops].filter(([name]) => !kept.has(name)).sort((a, b) => b[1] - a[1])
  const taken: string[] = []
  let won = 0
  for (const [name, drop] of rest) {
    if (taken.length > 0 && (won >= 1.5 * excess || drop <= 0)) break
    taken.push(name)
    won += drop
  }
  return taken
}

/** Writes candidates until one passes: each keeps more of what minds most. Errors: GATE_FAILED. */
async function search(parent: Parent, path: string, o: Settings, say: (line: string) => void): Promise<Candidate> {
  const { model, source, chosen, matrices } = parent
  const { manifest } = model
  const all = matrices.reduce((sum, matrix) => sum + numbersOf(matrix), 0)
  const kept = new Set(named(o.keep, matrices))
  const facts = {
    model: manifest.model,
    context: String(manifest.context),
    dim: String(manifest.dim),
    space: manifest.data?.space ?? '',
    spec: JSON.stringify(manifest.spec),
    spec_hash: manifest.spec_hash,
    parent: basename(model.folder),
    parent_sha256: manifest.files[weightsFile(manifest)]!.sha256,
  }
  for (;;) {
    await writeQuantized(path, source.tensors, quantizedMatrices(parent, kept, o.to), facts)
    const { spec, context } = manifest
    const made = await loadQuantized(await openQuantized(path), path, { spec, device: 'cpu', context, exact: false })
    let gate: Gate
    try {
      gate = await judgeGate(parent.scored, await score({ native: made.model }, chosen), chosen, o)
    } finally {
      native.dispose(made.model)
    }
    say(gateSentence(gate))
    if (gate.pass) return { path, kept, gate }
    const lost = gate.cosine.pass ? 0 : gate.cosine.drop - gate.cosine.limit
    const more = o.keep === 'auto' ? mostSensitive(parent, kept, lost) : []
    const would = matrices.filter(({ name }) => kept.has(name) || more.includes(name))
    const share = 1 - would.reduce((sum, matrix) => sum + numbersOf(matrix), 0) / all
    if (more.length === 0 || share < SMALLEST_SHARE) {
      const stopped = [...parent.drops].sort((a, b) => b[1] - a[1]).slice(0, 3)
      throw gateError(
        'quantize',
        gate,
        `; ${stopped.map(([name, drop]) => `${name} alone costs ${drop.toFixed(5)}`).join(', ')}${kept.size > 0 ? `, with ${kept.size} of ${matrices.length} matrices kept` : ''}`,
      )
    }
    for (const name of more) {
      kept.add(name)
      const matrix = matrices.find((one) => one.name === name)!
      say(`  kept: ${name}, ${megabytes(bytesOf('fp32', matrix) - bytesOf(o.to, matrix))} more`)
    }
  }
}

interface Measured {
  readonly kernels: Quantization['kernels']
  readonly speed: Speed
  readonly notes: readonly string[]
}

/** How quick a candidate is with its kernels; where its parent is quicker, it is dequantised instead. */
async function measure(parent: Parent, path: string, seconds: number): Promise<Measured> {
  const { spec, context } = parent.model.manifest
  const file = await openQuantized(path)
  const matrices = [...file.matrices.values()]
  const timed = async (by_shape: Record<string, string>) => {
    const kernels = { machine: kernelMachine(), by_shape }
    const { model } = await loadQuantized(file, path, { spec, device: 'cpu', context, exact: false, kernels })
    try {
      return { kernels, speed: await measureSpeed({ handle: model, device: 'cpu', loadMs: null }, parent.chosen, seconds) }
    } finally {
      native.dispose(model)
    }
  }
  const quick = await timed(await chooseKernels(matrices, context, undefined))
  const slower = quick.speed.batches.filter(({ p50_ms }, i) => p50_ms > SLOWER * parent.speed.batches[i]!.p50_ms)
  const packed = Object.values(quick.kernels.by_shape).some((kernel) => kernel !== DEQUANTIZED)
  if (slower.length === 0 || !packed) {
    const none = packed ? [] : ['no kernel for few bits is quicker than float32 here: the weights are dequantised at load']
    return { ...quick, notes: none }
  }
  const plain = await timed(Object.fromEntries(matrices.map((matrix) => [shapeKey(matrix), DEQUANTIZED])))
  const where = slower.map(({ batch }) => batch).join(', ')
  return {
    ...plain,
    notes: [`the kernels for few bits were slower than float32 at batch ${where}: the weights are dequantised at load`],
  }
}

/** The golden rows of a candidate, as its dequantised numbers give them. */
async function goldenOf({ model: { manifest } }: Parent, path: string) {
  const { spec, context, dim } = manifest
  const { model } = await loadQuantized(await openQuantized(path), path, { spec, device: 'cpu', context, exact: true })
  try {
    return await goldenRows(model, { context, dim, device: 'cpu', dtype: 'float32', names: ['quantized'] })
  } finally {
    native.dispose(model)
  }
}

/** Keeps a candidate as a run. Errors: NO_DISK. */
async function publish(
  store: Store,
  parent: Parent,
  { path, kept }: Candidate,
  o: Settings,
  kernels: Quantization['kernels'],
): Promise<Quantization & { readonly weights_bytes: number; readonly file_bytes: number }> {
  const { model, matrices, drops, source } = parent
  const { version: _v, generation: _g, saved_at: _s, files, digest: _d, ...facts } = model.manifest
  const scheme = (name: string): Scheme | 'fp32' => (kept.has(name) ? 'fp32' : o.to)
  const layers = matrices.map((matrix) => ({
    name: matrix.name,
    scheme: scheme(matrix.name),
    ...sizesOf(matrix),
    bytes: bytesOf(scheme(matrix.name), matrix),
    drop: drops.get(matrix.name) ?? null,
  }))
  const names = new Set(matrices.map(({ name }) => name))
  const others = [...source.tensors].filter(([name]) => !names.has(name))
  const weights_bytes =
    layers.reduce((sum, { bytes }) => sum + bytes, 0) +
    others.reduce((sum, [, { shape }]) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0)
  const quantized: Quantization = {
    scheme: o.to,
    parent: { run: basename(model.folder), weights_sha256: files[weightsFile(model.manifest)]!.sha256 },
    layers,
    kernels,
  }
  const written: RunFacts = {
    ...(facts as unknown as RunFacts),
    weights_bytes,
    threads: native.threads(),
    multiplier: native.multiplier(),
    device: 'cpu',
    versions: { lvm_torch: packageVersion(), libtorch: native.libtorchVersion(), node: process.versions.node },
    command_line: [basename(process.argv[1] ?? 'node'), ...process.argv.slice(2)],
    golden: await goldenOf(parent, path),
    progress: null,
    quantized,
  }
  const from = dirname(source.files[0]!)
  const carried = [CONFIG, HISTORY, SPLIT].filter((name) => files[name] !== undefined)
  const { manifest } = await store.save({
    files: {
      [QUANTIZED]: (to) => linkOrCopy(path, to),
      ...Object.fromEntries(carried.map((name) => [name, (to: string) => linkOrCopy(join(from, name), to)])),
    },
    manifest: { ...written },
    bytes: 0, // all of it is on this disk already
  })
  return { ...quantized, weights_bytes, file_bytes: manifest.files[QUANTIZED]!.bytes }
}

/**
 * Makes a smaller run of a run: matrices become whole numbers with scales. It is published only when it loses no more than allowed.
 *
 * Errors: those of load and of the data; RUN_EXISTS, BAD_OPTION; GATE_FAILED with the figures, and then nothing is left behind.
 */
export async function quantize({ run, say = () => {}, ...given }: QuantizeOptions): Promise<Quantized> {
  const o = resolve('quantize', quantizeFields, given)
  const from = await findRun(run)
  const folder = join(dirname(from), o.name ?? `${basename(from)}_${o.to}`)
  if (folder === from) throw badOption('quantize', 'name', 'another name than that of the run', o.name)
  const store = await claimRun('quantize', folder, { overwrite: o.overwrite })
  const path = `${temporary(folder)}`
  let parent: Parent | undefined
  try {
    const model = await load(from, { device: 'cpu', ...(o.threads !== undefined && { threads: o.threads }) })
    if (model.manifest.quantized !== undefined) {
      model.dispose()
      throw new LvmError('BAD_OPTION', `quantize: expected a run as it was trained but ${model.name} is quantised already`, {
        hint: `quantise ${model.manifest.quantized.parent.run}, which it was made of`,
      })
    }
    parent = await examine(model, o, say)
    const candidate = await search(parent, path, o, say)
    const { kernels, speed, notes } = await measure(parent, path, o.latency)
    const { layers, weights_bytes, file_bytes } = await publish(store, parent, candidate, o, kernels)
    const batches = speed.batches.map(({ batch, p50_ms }, i) => ({
      batch,
      parent_ms: parent!.speed.batches[i]!.p50_ms,
      ms: p50_ms,
    }))
    return {
      version: 1,
      run: runName(folder),
      parent: model.name,
      model: model.manifest.model,
      scheme: o.to,
      layers,
      kernels,
      gate: candidate.gate,
      size: { parent_weights_bytes: model.manifest.weights_bytes, weights_bytes, file_bytes },
      latency: { device: 'cpu', threads: native.threads(), batches },
      notes,
    }
  } finally {
    parent?.chosen.dispose()
    await rm(path, { force: true })
    await store.close()
  }
}
