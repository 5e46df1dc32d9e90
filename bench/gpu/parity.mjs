import { apart, architectures, host, model, native, numbers, short, Tensor } from './subjects.mjs'

/** Sums of thousands of float32 products in another order. */
const LIMIT = 1e-3

export async function run({ device, say, expect, left }) {
  const models = {}
  const cases = architectures.flatMap(({ name }) => [
    { name, preset: 'tiny', dim: 48, context: 8, batch: 3 },
    ...(device === 'cpu' ? [] : [{ name, preset: 'target', dim: 768, context: 5, batch: 4 }]),
  ])
  // all small ones first
  for (const { name, preset, dim, context, batch } of cases.toSorted((a, b) => b.preset.localeCompare(a.preset))) {
    if (left() < 5) break
    const key = `${name} ${preset}`
    const values = numbers(batch * context * dim, 7)
    const found = []
    let error
    for (const where of ['cpu', device]) {
      try {
        const made = await model(name, where, { dim, context, preset })
        const x = Tensor.from(values, [batch, context, dim])
        const target = Tensor.from(values.slice(0, batch * dim), [batch, dim])
        const examined = await native.modelExamine(
          made,
          (await x.to({ device: where }).ready()).native,
          (await target.to({ device: where }).ready()).native,
        )
        found.push(
          Object.fromEntries(await Promise.all(Object.entries(examined).map(async ([k, t]) => [k, await host(Tensor.wrap(t))]))),
        )
        native.dispose(made)
      } catch (fault) {
        error = `${key} on ${where}: ${fault.message.split('\n')[0]}`
        break
      }
    }
    if (!expect(error === undefined, error)) continue
    const [want, got] = found
    const largest = Math.max(
      ...Object.entries(want).flatMap(([k, v]) => (k.startsWith('grad') ? v.reduce((m, x) => Math.max(m, Math.abs(x)), 0) : [])),
    )
    const worst = (chosen) =>
      Math.max(
        ...Object.keys(want)
          .filter(chosen)
          .map((k) => {
            const scale = want[k].reduce((m, x) => Math.max(m, Math.abs(x)), 0)
            // A gradient far below all others is rounding alone.
            return k.startsWith('grad')
              ? (apart(got[k], want[k]) * scale) / Math.max(scale, 1e-3 * largest)
              : apart(got[k], want[k])
          }),
      )
    const [outputs, gradients] = [worst((k) => !k.startsWith('grad')), worst((k) => k.startsWith('grad'))]
    models[key] = { values: outputs, gradients }
    expect(outputs < LIMIT && gradients < LIMIT, `${key}: values ${short(outputs)}, gradients ${short(gradients)}`)
    say({ models })
  }
  const all = Object.values(models)
  expect(all.length === cases.length, `${cases.length - all.length} of ${cases.length} models are not compared`)
  const most = (key) => short(Math.max(...all.map((one) => one[key])))
  say({ said: `${all.length} models: values within ${most('values')}, gradients within ${most('gradients')} of the largest` })
}
