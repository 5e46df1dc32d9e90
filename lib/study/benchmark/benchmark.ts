import { cpus } from 'node:os'
import { join } from 'node:path'
import { inFreshProcess } from '../../checkpoint/fresh-process.js'
import { load } from '../../checkpoint/load-model.js'
import type { Model } from '../../checkpoint/model.js'
import { findRun } from '../../checkpoint/run-folder.js'
import { longDoor } from '../../control.js'
import { callback, optional, withFields, words } from '../../door.js'
import { badOption, LvmError } from '../../errors.js'
import { type Benchmark, type Document, INFERENCE_BENCHMARKS, type Speed, writeEntries } from '../../evaluate/results-file.js'
import { watchCpuShare } from '../../libtorch/cpu-share.js'
import { packageRoot } from '../../libtorch/paths.js'
import { native } from '../../native.js'
import { type Given, type Options, resolve } from '../../options.js'
import { stage } from '../../stages.js'
import { devices, useThreads } from '../../torch/device.js'
import { Tensor } from '../../torch/tensor.js'
import { benchmarkFields } from './benchmark-fields.js'
import { BATCHES, inputOf } from './benchmark-inputs.js'
import { type BlockLatency, interleaved } from './blocks.js'
import { type Energy, measureEnergy } from './energy.js'

/** Options of `benchmark`: the runs, a listener for progress (`say`), and any field of `benchmarkFields`. */
export interface BenchmarkOptions extends Given<typeof benchmarkFields> {
  /** Folders of runs, or their names below `artifacts/lvm/models`. */
  readonly runs: readonly string[]
  /** Receives each line of progress. */
  readonly say?: (line: string) => void
}
/** Time, memory and energy of a run on one device. */
export interface DeviceBenchmark extends Speed {
  /** Time of the first prediction after loading, measured in a fresh process like load time and peak memory. */
  readonly first_call_ms: number
  readonly batches: readonly BlockLatency[]
  readonly energy: Energy
}
/** One run of `benchmark` in inference_benchmarks.json; the figures of its first device are repeated at the top. */
export interface FullBenchmark extends Benchmark {
  readonly machine: { readonly cpu: string; readonly libtorch: string; readonly node: string }
  readonly devices: readonly DeviceBenchmark[]
  /** Requested devices that this machine lacks. */
  readonly absent: readonly { readonly device: string; readonly reason: string }[]
}

/** Batch size of the energy measurement. */
const ENERGY_BATCH = 32
const ABSENT = 'libtorch finds no such device here'

interface Fresh {
  readonly load_ms: number
  readonly first_call_ms: number
  readonly peak_memory_bytes: number
}

/** Measures load time, first call and peak memory in a fresh process. Errors: those of load. */
const afterStart = (folder: string, device: string): Promise<Fresh> =>
  inFreshProcess('benchmark', join(packageRoot(), 'dist', 'lib', 'study', 'benchmark', 'fresh-child.js'), [
    folder,
    device,
    String(native.threads()),
  ])

/** Makes the reference product, whose time shows how fast the machine is at the moment. */
async function fixedProduct(device: string): Promise<{ call: () => Promise<number>; dispose: () => void }> {
  const ones = async (rows: number) => {
    using here = Tensor.from(new Float32Array(rows * 512).fill(0.01), [rows, 512])
    return here.to({ device }).ready()
  }
  const [x, w] = [await ones(160), await ones(2048)]
  const call = async () => {
    using y = await x.op('aten::linear', w, null)
    using sum = await y.op('aten::sum')
    return sum.item()
  }
  const dispose = () => {
    x.dispose()
    w.dispose()
  }
  return { call, dispose }
}

/** Measures runs on a device; the runs take turns. */
async function onDevice(
  folders: readonly string[],
  device: string,
  o: Options<typeof benchmarkFields>,
  say: (line: string) => void,
): Promise<{ name: string; model: string; measured: DeviceBenchmark }[]> {
  const threads = useThreads(o.threads)
  const fresh: Fresh[] = []
  for (const folder of folders) {
    say(`${device}: ${folder} in a fresh process`)
    fresh.push(await stage('fresh process', () => afterStart(folder, device)))
  }
  const models: Model[] = []
  const reference = await fixedProduct(device)
  try {
    for (const folder of folders) models.push(await load(folder, { device, threads }))
    const calls = models.map((model) => BATCHES.map((batch) => ({ batch, input: inputOf(model, batch) })))
    const timed = models.flatMap((model, i) =>
      calls[i]!.map(({ batch, input }) => ({ batch, call: () => model.predict(input, { context: model.context }) })),
    )
    say(`${device}: ${timed.length} timings of about ${o.seconds} s, in ${o.rounds} rounds`)
    const share = watchCpuShare()
    const found = await stage('time', () => interleaved(timed, reference.call, o))
    const cpu_share = share()
    const results: { name: string; model: string; measured: DeviceBenchmark }[] = []
    for (const [i, model] of models.entries()) {
      const input = calls[i]!.find(({ batch }) => batch === ENERGY_BATCH)!.input
      const energy = await stage('energy', () =>
        measureEnergy(device, () => model.predict(input, { context: model.context }), {
          batch: ENERGY_BATCH,
          seconds: o.seconds / 2,
        }),
      )
      const { peak_memory_bytes, load_ms, first_call_ms } = fresh[i]!
      const batches = found.slice(i * BATCHES.length, (i + 1) * BATCHES.length)
      const measured = { device, threads, load_ms, first_call_ms, batches, cpu_share, peak_memory_bytes, energy }
      results.push({ name: model.name, model: model.manifest.model, measured })
    }
    return results
  } finally {
    reference.dispose()
    for (const model of models) model.dispose()
  }
}

const ARGS = { options: withFields({ runs: words, say: optional(callback) }) }

/**
 * Measures time, memory and energy of runs on every requested device, in turns, and writes inference_benchmarks.json.
 *
 * Errors: BAD_OPTION; DEVICE_UNAVAILABLE when the machine has none of the devices; those of load.
 */
export const benchmark = longDoor('benchmark', ARGS, async (options: BenchmarkOptions): Promise<Document<FullBenchmark>> => {
  const { runs, say = () => {}, ...given } = options
  if (runs.length === 0) throw badOption('benchmark', 'runs', 'at least one run', runs)
  const o = resolve('benchmark', benchmarkFields, given)
  const folders: string[] = []
  for (const run of runs) folders.push(await findRun(run))
  const here = devices()
  const asked = [...new Set(o.device.split(','))].map((name) => ({
    name,
    found: here.find((device) => device.name === name || device.name === `${name}:0`)?.name,
  }))
  const absent = asked.flatMap(({ name, found }) => (found === undefined ? [{ device: name, reason: ABSENT }] : []))
  const present = asked.flatMap(({ found }) => (found === undefined ? [] : [found]))
  if (present.length === 0) {
    throw new LvmError(
      'DEVICE_UNAVAILABLE',
      `benchmark: expected one of ${here.map(({ name }) => name).join(', ')} for "device" but received "${o.device}"`,
    )
  }
  const measured = new Map<number, { name: string; model: string; measured: DeviceBenchmark }[]>()
  for (const device of present) {
    const all = await onDevice(folders, device, o, say)
    for (const [i, one] of all.entries()) measured.set(i, [...(measured.get(i) ?? []), one])
  }
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', libtorch: native.libtorchVersion(), node: process.versions.node }
  const entries = [...measured.values()].map((list): FullBenchmark => {
    const { name, model, measured: first } = list[0]!
    const batches = first.batches.map(({ blocks_ms: _, reference_ms: __, ...plain }) => plain)
    const { device, threads, load_ms, peak_memory_bytes, cpu_share = null } = first
    return {
      run: name,
      model,
      device,
      threads,
      load_ms,
      batches,
      cpu_share,
      peak_memory_bytes,
      machine,
      devices: list.map((one) => one.measured),
      absent,
    }
  })
  await writeEntries(o.out, INFERENCE_BENCHMARKS, entries)
  return { version: 1, runs: entries }
})
