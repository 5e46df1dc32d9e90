// Declares an architecture of one's own, trains it, and compares its run with the baselines.
//   node examples/own-architecture.mjs [FILE]     FILE: vectors in any format that lvm-torch reads
import { fileURLToPath } from 'node:url'
import { evaluate, load, train } from 'lvm-torch'
import { activation, architecture, chain, gru, integer, layerNorm, linear, named, residual } from 'lvm-torch/spec'

const data = process.argv[2] ?? fileURLToPath(new URL('../data/sample/factbook.npy', import.meta.url))
const gated = (width) => residual(0, layerNorm(width), named('up', linear({ in: width, out: 2 * width })), activation('glu'))
const model = architecture({
  name: 'gated-stack',
  causal: true,
  fields: { width: integer({ default: 128, min: 1, about: 'hidden dimension' }) },
  width: ({ width }) => width,
  trunk: ({ dim, width }) =>
    chain(
      named('in_proj', linear({ in: dim, out: width })),
      named('first', gated(width)),
      named('core', gru({ in: width, width })),
    ),
})

for await (const event of train({ model, data, recipe: 'small', width: 64, epochs: 2, overwrite: true }))
  if (event.type === 'epoch') console.log(`epoch ${event.epoch}: validation cosine ${event.val_cosine.toFixed(4)}`)
const loaded = await load('gated-stack') // from here on the run needs no declaration
console.log(`${loaded.manifest.model} has ${loaded.parameters} parameters`)
loaded.dispose()
console.log((await evaluate({ runs: ['gated-stack'], latency: 0 })).table)
