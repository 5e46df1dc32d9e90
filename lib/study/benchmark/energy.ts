import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Energy of one sample, or the reason why it is unknown. */
export interface Energy {
  readonly joules_per_sample: number | null
  /** rapl: the processor's energy counters; nvml: the GPU's power, sampled while it computes. */
  readonly source: 'rapl' | 'nvml' | null
  readonly reason: string | null
}

const ROOT = '/sys/class/powercap'
const number = (...path: string[]) => Number(readFileSync(join(...path), 'utf8'))

/** Reads the energy counters of the processor packages and the ranges at which they wrap around; the zone `psys` is skipped, as it includes the packages. Units: microjoules. */
function packages(root: string): { microjoules: number; range: number }[] {
  const zones = readdirSync(root).filter(
    (name) => /^intel-rapl:\d+$/.test(name) && readFileSync(join(root, name, 'name'), 'utf8').startsWith('package'),
  )
  return zones.map((zone) => ({
    microjoules: number(root, zone, 'energy_uj'),
    range: number(root, zone, 'max_energy_range_uj'),
  }))
}

const unknown = (reason: string): Energy => ({ joules_per_sample: null, source: null, reason })

async function ofProcessor(call: () => Promise<unknown>, batch: number, seconds: number, root: string): Promise<Energy> {
  let before: ReturnType<typeof packages>
  try {
    before = packages(root)
  } catch (error) {
    const denied = (error as NodeJS.ErrnoException).code === 'EACCES'
    return unknown(denied ? 'only root may read the energy counters of the processor' : 'this machine has no energy counters')
  }
  if (before.length === 0) return unknown('this machine has no energy counters')
  const samples = await busy(call, batch, seconds)
  const spent = packages(root).map(({ microjoules, range }, i) => (microjoules - before[i]!.microjoules + range) % range)
  return { joules_per_sample: spent.reduce((a, b) => a + b, 0) / 1e6 / samples, source: 'rapl', reason: null }
}

async function busy(call: () => Promise<unknown>, batch: number, seconds: number): Promise<number> {
  let samples = 0
  for (const end = performance.now() + 1000 * seconds; performance.now() < end; samples += batch) await call()
  return samples
}

/** Returns the power of a GPU. Units: watts. */
const watts = async (index: string) => {
  const id = process.env.CUDA_VISIBLE_DEVICES?.split(',')[Number(index)]?.trim() ?? index
  const query = [`--id=${id}`, '--query-gpu=power.draw', '--format=csv,noheader,nounits']
  return Number((await promisify(execFile)('nvidia-smi', query, { timeout: 10_000 })).stdout)
}

async function ofGpu(call: () => Promise<unknown>, batch: number, seconds: number, index: string): Promise<Energy> {
  const read: number[] = []
  const start = performance.now()
  let going = true
  const reading = (async () => {
    while (going) read.push(await watts(index))
  })().then(
    () => true,
    () => false, // caught here: nvidia-smi may fail long before the calls are done
  )
  const samples = await busy(call, batch, seconds)
  const elapsed = (performance.now() - start) / 1000
  going = false
  const readable = await reading
  const known = read.filter(Number.isFinite)
  if (!readable || known.length === 0) return unknown('the power of the GPU is unknown: nvidia-smi does not report it')
  const power = known.reduce((a, b) => a + b, 0) / known.length
  return { joules_per_sample: (power * elapsed) / samples, source: 'nvml', reason: null }
}

/** Measures the energy of one sample; the whole processor or GPU is counted, with its idle power, so the device must do nothing else. */
export async function measureEnergy(
  device: string,
  call: () => Promise<unknown>,
  { batch, seconds, root = ROOT }: { batch: number; seconds: number; root?: string },
): Promise<Energy> {
  if (device === 'cpu') return ofProcessor(call, batch, seconds, root)
  if (device.startsWith('cuda')) return ofGpu(call, batch, seconds, device.split(':')[1] ?? '0')
  return unknown(`${device} has no energy counter`)
}
