// Fits a linear map from each sentence vector to the next by gradient descent, with operators of libtorch.
//   node examples/own-loop.mjs [FILE]     FILE: .npz, .npy with a .jsonl beside it, or .safetensors
import { fileURLToPath } from 'node:url'
import { call, openBase, Tensor } from 'lvm-torch'

const data = process.argv[2] ?? fileURLToPath(new URL('../data/sample/factbook.npy', import.meta.url))
const base = await openBase(data)
const rows = await base.vectors.to({ dtype: 'float32' })
const n = Math.min(base.vectors.shape[0], 501)
const x = await rows.op('aten::slice.Tensor', 0, 0, n - 1)
const y = await rows.op('aten::slice.Tensor', 0, 1, n)
const weight = Tensor.from(new Float32Array(base.dim ** 2), [base.dim, base.dim])
await call('aten::requires_grad_', [weight])

// Handles free their memory with dispose(); from Node 24 or TypeScript on, `using` does it at the end of the block.
for (let step = 0; step <= 20; step++) {
  const guess = await x.op('aten::matmul', weight)
  const loss = await guess.op('aten::mse_loss', y)
  await loss.backward()
  if (step % 5 === 0) console.log(`step ${step}: mean squared error ${(await loss.item()).toFixed(6)}`)

  const values = await weight.op('aten::detach') // shares the memory of weight, but backward() does not record its changes
  const gradient = weight.grad
  await call('aten::sub_.Tensor', [values, gradient], { alpha: base.dim })
  await gradient.op('aten::zero_')
  for (const handle of [guess, loss, values, gradient]) handle.dispose()
}
for (const handle of [weight, x, y, rows, base]) handle.dispose()
