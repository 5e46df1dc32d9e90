import { peer } from './peer.mjs'

export async function run({ device, python, say, expect }) {
  const { ask, end } = peer(python, device)
  const { ceilings, error } = await ask({ command: 'ceilings' })
  end()
  if (!expect(error === undefined, error)) return
  const { fp32, bf16, copy } = ceilings
  say({
    ceilings,
    said: `fp32 ${fp32.value.toFixed(1)} and bf16 ${bf16.value.toFixed(1)} TFLOP/s, copy ${copy.value.toFixed(0)} GB/s`,
  })
}
