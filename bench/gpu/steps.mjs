import { architectures, base, model, native, OPTIONS, short, weightsOf } from './subjects.mjs'

const STEPS = 12
/** Float32 rounding. */
const LIMIT = 1e-3
/** Larger than usual: AdamW would move a weight whose gradient is rounding alone, such as a bias of keys, by the whole learning rate. */
const EPS = 1e-4

/** Root mean square of the difference, divided by that of the expected values. */
function apart(got, want) {
  let [difference, scale] = [0, 1e-30]
  for (let i = 0; i < want.length; i++) {
    difference += (got[i] - want[i]) ** 2
    scale += want[i] ** 2
  }
  return Number.isNaN(difference) ? Infinity : Math.sqrt(difference / scale)
}

async function trained(name, device, { samples, windows }, steps) {
  const made = await model(name, device, { dim: 48, context: 5, still: false })
  const trainer = await native.trainer(made, samples, windows, { ...OPTIONS, ema: 0.9, emaWarmup: true, eps: EPS, steps })
  await native.trainerRun(trainer, 0, 0, new Float64Array(STEPS).fill(5e-4))
  const result = { weights: await weightsOf(made), sums: native.trainerSums(trainer), ...native.trainerSteps(trainer) }
  for (const handle of [trainer, made]) native.dispose(handle)
  return result
}

export async function run({ device, say, expect, left }) {
  const data = base(600, 48, 5)
  const models = {}
  for (const { name } of architectures) {
    if (left() < 3) break
    try {
      const [host, queued, recorded] = [
        await trained(name, device, data, 'host'),
        await trained(name, device, data, 'device'),
        await trained(name, device, data, 'graph'),
      ]
      const most = (a, b) => Math.max(...Object.keys(a.weights).map((k) => apart(a.weights[k], b.weights[k])))
      const [first, second] = [most(queued, host), most(recorded, queued)]
      models[name] = {
        where: recorded.where,
        why: recorded.why,
        queued_from_host: first,
        recorded_from_queued: second,
        losses: [host, queued, recorded].map(({ sums }) => sums.loss / sums.windows),
      }
      const [lost, other] = models[name].losses
      expect(Math.abs(other - lost) <= LIMIT * lost, `${name}: the loss of queued steps is ${other}, that of the host's ${lost}`)
      expect(
        first < LIMIT && second < LIMIT,
        `${name}: queued steps differ by ${short(first)}, recorded ones by ${short(second)}`,
      )
      expect(!recorded.why.startsWith('recording failed'), `${name}: ${recorded.why}`)
    } catch (error) {
      expect(false, `${name}: ${error.message.split('\n')[0]}`)
    }
    say({ models })
  }
  const all = Object.values(models)
  expect(
    all.length === architectures.length,
    `${architectures.length - all.length} of ${architectures.length} models are not compared`,
  )
  const graphs = all.filter(({ where }) => where === 'graph').length
  const exact = all.filter(({ recorded_from_queued }) => recorded_from_queued === 0).length
  say({ said: `${graphs} of ${all.length} models in a graph, ${exact} equal to queued steps to the bit` })
}
