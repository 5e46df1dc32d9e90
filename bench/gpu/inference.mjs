import { middle, turns } from '../turns.mjs'
import { peer } from './peer.mjs'
import { native, numbers, specOf, Tensor } from './subjects.mjs'

const [DIM, CONTEXT, ROUNDS] = [768, 5, 3]
const CASES = [
  ['lstm', 1, true],
  ['transformer', 1, true],
  ['gru', 1, false],
  ['transformer', 128, false],
  ['mamba2', 1, false],
  ['distilgpt2', 32, false],
]

export async function run({ device, python, say, expect, left }) {
  const { ask, end } = peer(python, device)
  const calls = device === 'cpu' ? 5 : 100
  const rows = {}
  for (const [name, batch, compiled] of device === 'cpu' ? CASES.slice(0, 2) : CASES) {
    const key = `${name} batch ${batch}`
    if (left() < 8) break
    try {
      const model = await native.model(specOf(name, DIM, CONTEXT, 'target'), 'float32', device, 0)
      const x = Tensor.from(numbers(batch * CONTEXT * DIM, 5), [batch, CONTEXT, DIM])
      const ours = async () => {
        const began = performance.now()
        for (let i = 0; i < calls; i++) await Tensor.wrap(await native.modelPredict(model, x.native, false)).data()
        return (performance.now() - began) / calls
      }
      const theirs = (compile) => async () => {
        const { ms, error } = await ask({ command: 'predict', model: name, batch, compile, calls })
        if (error) throw new Error(`PyTorch: ${error}`)
        return ms
      }
      const compiles =
        compiled &&
        !(await ask({ command: 'predict', model: name, batch, compile: true, calls: 1 }, Math.max(1, left() / 2 - 5))).error
      const times = await turns(
        { lvm_torch: ours, pytorch_eager: theirs(false), ...(compiles && { pytorch_compile: theirs(true) }) },
        ROUNDS,
      )
      const ms = Object.fromEntries(Object.entries(times).map(([who, all]) => [who, middle(all)]))
      rows[key] = {
        ms,
        rounds: times,
        ratio_eager: ms.pytorch_eager / ms.lvm_torch,
        ratio_compile: ms.pytorch_compile && ms.pytorch_compile / ms.lvm_torch,
      }
      native.dispose(model)
    } catch (error) {
      expect(false, `${key}: ${error.message.split('\n')[0]}`)
    }
    say({ rows })
  }
  end()
  const ratios = Object.values(rows).map(({ ratio_eager }) => ratio_eager)
  say({
    said: `${ratios.length} rows: PyTorch eager / lvm-torch ${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`,
  })
}
