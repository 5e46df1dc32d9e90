// Fits a linear map from each sentence vector to the next by gradient descent, with tensors.
//   node examples/own-loop.mjs [FILE]     FILE: .npz, .npy with a .jsonl beside it, or .safetensors
import { fileURLToPath } from 'node:url'
import { openBase, SGD, torch } from 'lvm-torch'

const data = process.argv[2] ?? fileURLToPath(new URL('../data/sample/factbook.npy', import.meta.url))
const base = await openBase(data)
const rows = base.vectors.to({ dtype: 'float32' })
const [x, y] = [rows.at('0:500'), rows.at('1:501')]
const weight = torch.zeros([base.dim, base.dim], { requiresGrad: true })
const optimizer = new SGD([weight], { lr: base.dim })

for (let step = 0; step <= 20; step++) {
  // The tensors of a step are freed at its end. Operators return at once; item() waits for the number.
  await torch.scope(async () => {
    const loss = x.matmul(weight).mseLoss(y)
    loss.backward()
    optimizer.step()
    if (step % 5 === 0) console.log(`step ${step}: mean squared error ${(await loss.item()).toFixed(6)}`)
  })
}
for (const handle of [optimizer, weight, x, y, rows, base]) handle.dispose()
