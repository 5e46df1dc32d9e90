import { apart, architectures, host, model, native, numbers, short, Tensor } from './subjects.mjs'

const [DIM, CONTEXT, BATCH, LIMIT] = [48, 8, 3, 1e-3]

/** Outputs of a stepper after each vector. */
async function stepped(made, values, device) {
  const stepper = native.stepper(made, BATCH)
  const out = []
  for (let t = 0; t < CONTEXT; t++) {
    const x = new Float32Array(BATCH * DIM)
    for (let b = 0; b < BATCH; b++) x.set(values.subarray((b * CONTEXT + t) * DIM, (b * CONTEXT + t + 1) * DIM), b * DIM)
    const input = await Tensor.from(x, [BATCH, DIM]).to({ device }).ready()
    out.push(await host(Tensor.wrap(await native.stepperStep(stepper, input.native))))
  }
  native.dispose(stepper)
  return Float32Array.from(out.flatMap((one) => [...one]))
}

export async function run({ device, say, expect }) {
  const models = {}
  const values = numbers(BATCH * CONTEXT * DIM, 5)
  for (const { name, causal } of architectures) {
    if (!causal) continue
    try {
      const [here, there] = [
        await model(name, 'cpu', { dim: DIM, context: CONTEXT }),
        await model(name, device, { dim: DIM, context: CONTEXT }),
      ]
      const [want, got] = [await stepped(here, values, 'cpu'), await stepped(there, values, device)]
      const x = await Tensor.from(values, [BATCH, CONTEXT, DIM]).to({ device }).ready()
      const whole = await host(Tensor.wrap(await native.modelPredict(there, x.native, false)))
      models[name] = { from_cpu: apart(got, want), from_whole_context: apart(got.subarray(-BATCH * DIM), whole) }
      const { from_cpu, from_whole_context } = models[name]
      expect(
        from_cpu < LIMIT && from_whole_context < LIMIT,
        `${name}: ${short(from_cpu)} from the CPU, ${short(from_whole_context)} from the whole context`,
      )
      for (const handle of [here, there]) native.dispose(handle)
    } catch (error) {
      expect(false, `${name}: ${error.message.split('\n')[0]}`)
    }
    say({ models })
  }
  const most = (key) => short(Math.max(...Object.values(models).map((one) => one[key])))
  say({
    said: `${Object.keys(models).length} causal models: within ${most('from_cpu')} of the CPU and ${most('from_whole_context')} of the whole context`,
  })
}
