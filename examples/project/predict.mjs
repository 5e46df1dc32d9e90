// Trains a model on real sentence vectors and predicts the vector after five sentences.
import { load, openBase, train } from 'lvm-torch'

const data = 'node_modules/lvm-torch/data/sample/factbook'
for await (const event of train({ model: 'lstm', data, recipe: 'small', epochs: 2, name: 'first', overwrite: true })) {
  if (event.type === 'epoch') console.log(`epoch ${event.epoch}: validation cosine ${event.val_cosine.toFixed(4)}`)
}

const model = await load('first')
const base = await openBase(data)
const context = 5
const contexts = (await base.vectors.data('float32')).slice(0, context * model.dim)
const next = await model.predict(contexts, { context })
console.log(`the next vector begins with ${Array.from(next.slice(0, 3), (x) => x.toFixed(4)).join(', ')}`)

for (const handle of [base, model]) handle.dispose()
