// From a folder of notes to the sentences that a trained predictor finds.
//   node examples/notes-to-sentences.mjs FOLDER ENCODER     FOLDER: .txt, .md or .jsonl; ENCODER: folder of a sentence encoder
import { basename } from 'node:path'
import { ceiling, decode, makeData, retrieve, train } from 'lvm-torch'

const [texts, encoder] = process.argv.slice(2)
if (encoder === undefined) throw new Error('usage: node examples/notes-to-sentences.mjs FOLDER ENCODER')

// Every file is an article. The same call continues after a stop; finished articles are not encoded again.
const base = await makeData({ texts, encoder, out: 'notes-base' })
console.log(`${base.rows} sentences of ${base.articles} notes, ${base.dim} dimensions, in ${basename(base.out)}`)

// What predictors without a network reach on notes that they have not seen.
const { best } = await ceiling({ data: base.out, seconds: 5 })
console.log(`reachable by ${best.name.replaceAll('_', ' ')}: cosine ${best.cosine.toFixed(4)}`)

const options = { model: 'lstm', data: base.out, recipe: 'small', preset: 'tiny', name: 'example_notes', overwrite: true }
for await (const event of train(options)) {
  if (event.type === 'epoch') console.log(`epoch ${event.epoch}: validation cosine ${event.val_cosine.toFixed(4)}`)
}

// How often the true next sentence is among the ten stored ones nearest to the prediction.
const { results } = await retrieve({ runs: ['example_notes'] })
const { value, chance } = results.runs[0].scores.without_context.top10
console.log(`true next sentence among the nearest ten: ${(100 * value).toFixed(1)} %, by chance ${(100 * chance).toFixed(1)} %`)

// Stored sentences, not generated ones; those that the model has just read are left out.
const found = await decode({ run: 'example_notes', exclude: 'context', limit: 3 })
for (const { context, target, text, cosine } of found.rows) {
  console.log(`\nread  ${context.at(-1)}\ntrue  ${target.text}\nfound ${text} (cosine ${cosine.toFixed(4)})`)
}
