// Trains an LSTM on real sentence vectors, then predicts the vector after five sentences.
//   node examples/train-and-predict.mjs [FILE]     FILE: .npz, .npy with a .jsonl beside it, or .safetensors
import { fileURLToPath } from 'node:url'
import { load, openBase, train } from 'lvm-torch'

const data = process.argv[2] ?? fileURLToPath(new URL('../data/sample/factbook.npy', import.meta.url))

// The training runs while its events are read; an AbortSignal as { signal } would stop it with a valid checkpoint.
for await (const event of train({ model: 'lstm', data, recipe: 'small', epochs: 2, name: 'example_lstm', overwrite: true })) {
  if (event.type === 'epoch') console.log(`epoch ${event.epoch}: validation cosine ${event.val_cosine.toFixed(4)}`)
}

// Loading verifies every file of the run, and compares the model's outputs with those that were saved.
const model = await load('example_lstm')
const { dim } = model
const context = 5
const base = await openBase(data)
const rows = await base.vectors.data('float32')
const contexts = rows.slice(0, context * dim) // the first five sentences of the first article

const next = await model.predict(contexts, { context }) // a Float32Array of length 1
console.log(
  `the next vector has ${next.length} numbers, the first are ${Array.from(next.slice(0, 3), (x) => x.toFixed(4)).join(', ')}`,
)
const cosine = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0) // of vectors of length 1
const [last, sixth] = [context - 1, context].map((row) => rows.slice(row * dim, (row + 1) * dim))
console.log(
  `its cosine with the sixth sentence is ${cosine(next, sixth).toFixed(4)}, that of the fifth ${cosine(last, sixth).toFixed(4)}`,
)

for (const handle of [base, model]) handle.dispose()
