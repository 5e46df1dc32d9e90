// Trains a small LSTM on real sentence vectors, then asks it for the vector after five sentences.
//   node examples/train-and-predict.mjs [FILE]     FILE: .npz, .npy with a .jsonl beside it, or .safetensors
import { fileURLToPath } from 'node:url'
import { load, openBase, train } from 'lvm-torch'

const data = process.argv[2] ?? fileURLToPath(new URL('../data/sample/factbook.npy', import.meta.url))

// Iterating lets the training go on; an AbortSignal as { signal } would stop it with a valid checkpoint.
const options = { model: 'lstm', data, preset: 'tiny', epochs: 2, name: 'example_lstm', overwrite: true }
for await (const event of train(options)) {
  if (event.type === 'epoch') console.log(`epoch ${event.epoch}: validation cosine ${event.val_cosine.toFixed(4)}`)
}

// Loading verifies every file of the run, and that the model still gives the outputs it was saved with.
const model = await load('example_lstm')
const base = await openBase(data)
const rows = await base.vectors.to({ dtype: 'float32' })
const context = (await rows.data()).slice(0, model.context * model.dim)

const next = await model.predict(context) // a Float32Array of length 1
console.log(
  `the next vector has ${next.length} numbers, the first are ${Array.from(next.slice(0, 3), (x) => x.toFixed(4)).join(', ')}`,
)

for (const handle of [rows, base, model]) handle.dispose()
