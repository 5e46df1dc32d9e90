import { architectures, base, model, native, OPTIONS } from './subjects.mjs'

const [STEPS, LIMIT] = [20, 0.05]

/** Mean loss of a short training. */
async function loss(name, device, { samples, windows }, { bf16, dtype }) {
  const made = await model(name, device, { dim: 48, context: 5, dtype })
  const trainer = await native.trainer(made, samples, windows, { ...OPTIONS, bf16 })
  await native.trainerRun(trainer, 0, 0, new Float64Array(STEPS).fill(1e-3))
  const { loss, windows: count } = native.trainerSums(trainer)
  for (const handle of [trainer, made]) native.dispose(handle)
  return loss / count
}

export async function run({ device, say, expect }) {
  const data = base(800, 48, 5)
  const models = {}
  for (const { name } of architectures) {
    try {
      const fp32 = await loss(name, device, data, { bf16: false, dtype: 'float32' })
      const products = await loss(name, device, data, { bf16: true, dtype: 'float32' })
      const weights = await loss(name, device, data, { bf16: false, dtype: 'bfloat16' })
      models[name] = { fp32, bf16_products: products, bf16_weights: weights }
      for (const [kind, x] of [
        ['products', products],
        ['weights', weights],
      ])
        expect(
          Math.abs(x - fp32) <= LIMIT * fp32,
          `${name}: the loss with bfloat16 ${kind} is ${x.toFixed(5)}, with float32 ${fp32.toFixed(5)}`,
        )
    } catch (error) {
      expect(false, `${name}: ${error.message.split('\n')[0]}`)
    }
    say({ models })
  }
  const most = Math.max(
    ...Object.values(models).flatMap((m) => [m.bf16_products, m.bf16_weights].map((x) => Math.abs(x / m.fp32 - 1))),
  )
  say({
    said: `${Object.keys(models).length} models: losses after ${STEPS} steps within ${(100 * most).toFixed(1)} % of float32`,
  })
}
