// Runs in its own process (benchmark.ts): load time, first call and peak memory of a program that has just started.
import { load } from '../../checkpoint/load-model.js'
import { asLvmError } from '../../errors.js'
import { peakMemory } from '../../evaluate/latency.js'
import { BATCHES, inputOf } from './benchmark-inputs.js'

async function measure(run: string, device: string, threads: number) {
  using model = await load(run, { device, threads })
  const start = performance.now()
  await model.predict(inputOf(model, 1), { context: model.context })
  const first_call_ms = performance.now() - start
  for (const batch of BATCHES) await model.predict(inputOf(model, batch), { context: model.context })
  return { load_ms: model.loadMs, first_call_ms, peak_memory_bytes: peakMemory() }
}

const [run, device, threads] = process.argv.slice(2) as [string, string, string]
measure(run, device, Number(threads)).then(
  (measured) => process.stdout.write(JSON.stringify({ ok: true, value: measured })),
  (error) => {
    const { code, message, commandHint: hint } = asLvmError(error)
    process.stdout.write(JSON.stringify({ ok: false, code, message, hint }))
    process.exitCode = 1
  },
)
