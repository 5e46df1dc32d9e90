import { middle, turns } from '../turns.mjs'
import { peer } from './peer.mjs'
import { base, native, OPTIONS, specOf } from './subjects.mjs'

const [DIM, CONTEXT, ROUNDS] = [768, 5, 3]
/** Beside each model: whether torch.compile takes part. It compiles for up to a minute. */
const MODELS = [
  ['lstm', 'fp32', true],
  ['transformer', 'fp32', true],
  ['gru', 'fp32', false],
  ['transformer', 'bf16', true],
  ['mamba2', 'fp32', false],
  ['distilgpt2', 'bf16', false],
  ['rwkv', 'fp32', false],
  ['hyena', 'fp32', false],
]

/** Our trainer in one of its forms; a call times steps. */
async function ours(name, precision, device, { samples, windows }, steps) {
  const model = await native.model(specOf(name, DIM, CONTEXT, 'target'), 'float32', device, 0)
  const trainer = await native.trainer(model, samples, windows, { ...OPTIONS, bf16: precision === 'bf16', steps })
  let [epoch, from] = [0, 0]
  const run = async (count) => {
    const began = performance.now()
    if (from + count > native.trainerStepsPerEpoch(trainer)) [epoch, from] = [epoch + 1, 0]
    await native.trainerRun(trainer, epoch, from, new Float64Array(count).fill(5e-4))
    from += count
    return (performance.now() - began) / count
  }
  await run(8)
  return {
    run,
    where: native.trainerSteps(trainer),
    end: () => [trainer, model].forEach((handle) => void native.dispose(handle)),
  }
}

export async function run({ device, python, say, expect, left, ceilings }) {
  const data = base(42113, DIM, CONTEXT)
  const { ask, end } = peer(python, device)
  const steps = device === 'cpu' ? 2 : 50
  const rows = {}
  const missing = []
  for (const [model, precision, compiled] of device === 'cpu' ? MODELS.slice(0, 2) : MODELS) {
    const key = `${model} ${precision}`
    if (left() < 10) {
      missing.push(key)
      continue
    }
    const open = []
    try {
      const forms = {
        graph: await ours(model, precision, device, data, 'graph'),
        queued: await ours(model, precision, device, data, 'device'),
      }
      open.push(...Object.values(forms))
      let parameters
      const peers = { pytorch_eager: false }
      let without = null // why torch.compile does not take part
      if (compiled) {
        const { error } = await ask({ command: 'train', model, precision, compile: true, steps: 1 }, Math.max(1, left() / 2 - 5))
        if (error) without = error
        else peers.pytorch_compile = true
      }
      const contestants = Object.fromEntries([
        ...Object.entries(forms).map(([name, form]) => [name, () => form.run(steps)]),
        ...Object.entries(peers).map(([name, compile]) => [
          name,
          async () => {
            const { ms, error, parameters: count } = await ask({ command: 'train', model, precision, compile, steps })
            if (error) throw new Error(`PyTorch: ${error}`)
            parameters = count
            return ms
          },
        ]),
      ])
      const times = await turns(contestants, ROUNDS)
      const ms = Object.fromEntries(Object.entries(times).map(([name, all]) => [name, middle(all)]))
      const best = Math.min(ms.graph, ms.queued)
      const peak = ceilings?.[precision]
      // the products of forward and backward pass over batch × context rows, and the optimizer's pass over weights, gradient and moments
      const floor = peak && (6 * parameters * 160) / (peak.value * 1e12) + (32 * parameters) / (ceilings.copy.value * 1e9)
      rows[key] = {
        where: forms.graph.where,
        without_compile: without,
        parameters,
        ms,
        rounds: times,
        ratio_eager: ms.pytorch_eager / best,
        ratio_compile: ms.pytorch_compile && ms.pytorch_compile / best,
        floor_ms: floor && floor * 1e3,
        share: floor && (floor * 1e3) / best,
      }
    } catch (error) {
      expect(false, `${key}: ${error.message.split('\n')[0]}`)
    }
    for (const form of open) form.end()
    say({ rows })
  }
  end()
  const all = Object.values(rows)
  const range = (key) => {
    const found = all.map((row) => row[key]).filter((x) => x !== undefined)
    return found.length === 0 ? '–' : `${Math.min(...found).toFixed(2)} to ${Math.max(...found).toFixed(2)}`
  }
  say({
    missing,
    said: `${all.length} rows: PyTorch eager / lvm-torch ${range('ratio_eager')}, torch.compile / lvm-torch ${range('ratio_compile')}, share of the floor ${range('share')}${missing.length > 0 ? `; no time for ${missing.join(', ')}` : ''}`,
  })
}
