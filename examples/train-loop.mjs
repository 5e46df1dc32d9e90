// Trains a small LSTM in a loop of one's own, saves it as a run, and evaluates the run beside one of the trainer.
//   node examples/train-loop.mjs [FILE]     FILE: .npz, .npy with a .jsonl beside it, or .safetensors
import { fileURLToPath } from 'node:url'
import { AdamW, createModel, evaluate, openWindows, saveModel, torch, train } from 'lvm-torch'

const data = process.argv[2] ?? fileURLToPath(new URL('../data/sample/factbook.npy', import.meta.url))
const [sizes, epochs, lr, context, seed] = [{ layers: 1, width: 64 }, 3, 2e-3, 5, 0]

const windows = await openWindows(data, { context, seed })
const model = await createModel({ model: 'lstm', dim: windows.dim, context, seed, ...sizes })
const optimizer = new AdamW(model, { lr, weightDecay: 0.01, clip: 1 })
for (let epoch = 1; epoch <= epochs; epoch++) {
  model.train()
  for (const { x, y } of windows.train.batches({ size: 32 })) {
    torch.scope(() => {
      model.forward(x).mseLoss(y).backward()
      optimizer.step()
    })
  }
  const { x, y } = windows.val.all()
  const loss = torch.noGrad(() => model.eval().forward(x).mseLoss(y))
  console.log(`epoch ${epoch}: validation loss ${(await loss.item()).toExponential(4)}`)
}
await saveModel(model, { name: 'own_loop', windows, overwrite: true })

// The same model from the trainer, for comparison.
const same = { model: 'lstm', data, context, seed, ...sizes, epochs, lr, schedule: 'constant', name: 'trainer', overwrite: true }
for await (const event of train(same))
  if (event.type === 'epoch') console.log(`trainer, epoch ${event.epoch}: validation loss ${event.val_loss.toExponential(4)}`)

const { results } = await evaluate({ runs: ['own_loop', 'trainer'], latency: 0 })
for (const { run, n, cosine } of results.runs)
  console.log(`${run}: mean cosine ${cosine.mean.toFixed(3)} on ${n} validation windows`)
for (const handle of [optimizer, model, windows]) handle.dispose()
