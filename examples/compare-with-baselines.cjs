// Trains two models and compares them with baselines: the mean vector, a copy of the last vector, ridge regression.
//   node examples/compare-with-baselines.cjs [FILE]     FILE: .npz, .npy with a .jsonl beside it, or .safetensors
const { join } = require('node:path')
const { evaluate, train } = require('lvm-torch')

const data = process.argv[2] ?? join(__dirname, '..', 'data', 'sample', 'factbook.npy')

async function main() {
  const runs = []
  for (const model of ['lstm', 'gru']) {
    const options = { model, data, preset: 'tiny', recipe: 'small', name: `example_${model}`, overwrite: true }
    for await (const event of train(options)) if (event.type === 'result') runs.push(event.run)
  }
  const { results, table } = await evaluate({ runs, latency: 0.2 })
  console.log(table)
  // Skill is the mean cosine minus that of the best baseline on the same windows, with a 95 % interval over articles.
  for (const { run, skill } of results.runs) {
    const interval = skill.ci95 ? ` (95 %: ${skill.ci95.map((x) => x.toFixed(4)).join(' to ')})` : ''
    console.log(`${run}: ${skill.value.toFixed(4)} against ${skill.against}${interval}`)
  }
}

main()
