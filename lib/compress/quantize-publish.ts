import { basename, dirname, join } from 'node:path'
import { freeze } from '../checkpoint/freeze-model.js'
import { goldenRows } from '../checkpoint/golden.js'
import { chooseKernels, DEQUANTIZED, kernelMachine, ruledOutSentence, shapeKey } from '../checkpoint/kernels.js'
import { load } from '../checkpoint/load-model.js'
import { loadQuantized } from '../checkpoint/open-model.js'
import { openQuantized, type Quantization, type Scheme, sizesOf } from '../checkpoint/quantized.js'
import { CONFIG, QUANTIZED, type RunFacts, SPLIT, weightsFile } from '../checkpoint/run-manifest.js'
import type { Store } from '../checkpoint/run-store.js'
import { copyWhole } from '../files/write.js'
import { watchCpuShare } from '../libtorch/cpu-share.js'
import { packageVersion } from '../libtorch/paths.js'
import { native } from '../native.js'
import { stage } from '../stages.js'
import { BATCHES } from '../study/benchmark/benchmark-inputs.js'
import { medians } from './latency-medians.js'
import type { Candidate, Parent, Settings } from './quantize-search.js'
import { bytesOf } from './quantize-weights.js'

/** A larger ratio of latencies counts as slower; smaller ones are noise. */
const SLOWER = 1.05
interface Measured {
  readonly kernels: Quantization['kernels']
  /** Medians by batch size. */
  readonly batches: readonly { readonly batch: number; readonly parent_ms: number; readonly ms: number }[]
  readonly cpu_share: number | null
  readonly notes: readonly string[]
}

/** Measures a candidate with its low-bit kernels; if the parent is faster, the candidate is dequantised at load. */
export async function measure(
  parent: Parent,
  { path, activations }: Candidate,
  o: Settings,
  signal: AbortSignal | undefined,
): Promise<Measured> {
  const { spec, context } = parent.model.manifest
  const file = await openQuantized(path)
  const matrices = [...file.matrices.values()]
  const timed = async (by_shape: Readonly<Record<string, string>>) => {
    const kernels = { machine: kernelMachine(), by_shape }
    const { model } = await loadQuantized(file, path, { spec, device: 'cpu', context, exact: false, activations, kernels })
    await freeze(model, context) // as load does
    const rival = parent.alone ? undefined : await load(parent.model.folder, { device: 'cpu', threads: native.threads() })
    try {
      const share = watchCpuShare()
      const found = await stage('time', () => medians(rival ? [model, rival.native] : [model], parent.chosen, o, signal))
      const cpu_share = share()
      const before = parent.alone ?? found[1]!
      return { kernels, cpu_share, batches: BATCHES.map((batch, i) => ({ batch, parent_ms: before[i]!, ms: found[0]![i]! })) }
    } finally {
      rival?.dispose()
      native.dispose(model)
    }
  }
  const choice = await stage('choose kernels', () => chooseKernels(matrices, context, activations, undefined))
  const wrong = choice.ruledOut.map(ruledOutSentence)
  const quick = await timed(choice.kernels)
  const slower = quick.batches.filter(({ parent_ms, ms }) => ms > SLOWER * parent_ms)
  const packed = Object.values(quick.kernels.by_shape).some((kernel) => kernel !== DEQUANTIZED)
  if (slower.length === 0 || !packed) {
    const none = packed ? [] : ['no low-bit kernel is faster than float32 on this machine: the weights are dequantised at load']
    return { ...quick, notes: [...wrong, ...none] }
  }
  const plain = await timed(Object.fromEntries(matrices.map((matrix) => [shapeKey(matrix), DEQUANTIZED])))
  return { ...plain, notes: [...wrong, slowerSentence(slower)] }
}

/** Says which times of the low-bit kernels decided against them; the table shows those of the weights that are dequantised instead. */
export const slowerSentence = (slower: Measured['batches']): string => {
  const times = slower.map(
    ({ batch, ms, parent_ms }) => `${ms.toFixed(3)} ms instead of ${parent_ms.toFixed(3)} at batch ${batch}`,
  )
  return `with the low-bit kernels it took ${times.join(', ')}: the weights are dequantised at load, and the table has their times`
}

/** Returns the golden rows of a candidate, computed from its dequantised weights. */
async function goldenOf({ model: { manifest } }: Parent, path: string) {
  const { spec, context, dim } = manifest
  const { model } = await loadQuantized(await openQuantized(path), path, {
    spec,
    device: 'cpu',
    context,
    exact: true,
    activations: 'bf16',
  })
  try {
    return await goldenRows(model, { context, dim, device: 'cpu', dtype: 'float32', names: ['quantized'] })
  } finally {
    native.dispose(model)
  }
}

/** Publishes a candidate as a run. Errors: NO_DISK. */
export async function publish(
  store: Store,
  parent: Parent,
  { path, kept, activations }: Candidate,
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
    activations,
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
  const carried = [CONFIG, SPLIT].filter((name) => files[name] !== undefined) // the training curves belong to the parent and are not copied
  const { manifest } = await store.save({
    files: {
      [QUANTIZED]: (to) => copyWhole(path, to),
      ...Object.fromEntries(carried.map((name) => [name, (to: string) => copyWhole(join(from, name), to)])),
    },
    manifest: { ...written },
    bytes: weights_bytes,
  })
  return { ...quantized, weights_bytes, file_bytes: manifest.files[QUANTIZED]!.bytes }
}
