import { activations } from '../../dist/lib/spec/activations.js'
import { base, native, OPTIONS, specOf } from './subjects.mjs'

const [DIM, CONTEXT, ROWS, LIMIT] = [768, 5, 42113, 1.25]
const MODELS = ['lstm', 'gru', 'transformer', 'distilgpt2', 'mamba2']

export async function run({ device, say, expect, left }) {
  const rows = {}
  const data = base(ROWS, DIM, CONTEXT)
  for (const name of device === 'cpu' ? MODELS.slice(0, 1) : MODELS) {
    if (left() < 3) break
    for (const steps of ['device', 'graph']) {
      const before = native.deviceMemory(device, true)
      const spec = specOf(name, DIM, CONTEXT, 'target')
      const model = await native.model(spec, 'float32', device, 0)
      const trainer = await native.trainer(model, data.samples, data.windows, { ...OPTIONS, steps })
      await native.trainerRun(trainer, 0, 0, new Float64Array(8).fill(5e-4))
      const after = native.deviceMemory(device, false)
      const parameters = native
        .modelState(model)
        .reduce((sum, { tensor }) => sum + native.tensorShape(tensor).reduce((a, b) => a * b, 1), 0)
      const [weights, table, kept] = [16 * parameters, 4 * ROWS * DIM, 4 * OPTIONS.batch * activations(spec, CONTEXT, DIM).kept]
      for (const handle of [trainer, model]) native.dispose(handle)
      const counted = weights + table + kept
      const peak = after && after.peak - before.allocated
      rows[`${name} ${steps}`] = {
        parameters,
        weights,
        data: table,
        activations: kept,
        counted,
        peak,
        share: peak && peak / counted,
      }
      if (peak)
        expect(
          peak <= LIMIT * counted,
          `${name} ${steps}: ${(peak / 1e6).toFixed(0)} MB are ${(peak / counted).toFixed(2)} × what is counted`,
        )
      say({ rows })
    }
  }
  const shares = Object.values(rows).flatMap(({ share }) => (share ? [share] : []))
  say({
    said:
      shares.length > 0
        ? `peaks of ${shares.length} rows are ${Math.min(...shares).toFixed(2)} to ${Math.max(...shares).toFixed(2)} × 16 bytes a parameter, vectors and activations`
        : `${device} has no count of its own; bench/memory.mjs measures the CPU`,
  })
}
