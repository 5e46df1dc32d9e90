// Compares a training step of lvm-torch with PyTorch's, in alternating rounds of one run: node bench/train-step.mjs [--rounds 7] [--steps 20] …
// Beside each ratio: the share of the floor, which is measured in the same run (floor.mjs). --no-compile leaves torch.compile out.
// Writes bench/results/train-step.json and prints the table.
import { availableParallelism } from 'node:os'
import { ceilings } from './floor.mjs'
import { facts, libtorchVersion, ours } from './ours.mjs'
import { asked, circumstances, keep, middle, resultsOf, shown, summary, turns, worker } from './turns.mjs'

const { values } = asked(import.meta.url, {
  rounds: { type: 'string', default: '7' },
  steps: { type: 'string', default: '20' },
  threads: { type: 'string', default: String(availableParallelism()) },
  models: { type: 'string', default: 'lstm,gru,transformer' },
  precisions: { type: 'string', default: 'fp32,bf16' },
  'no-compile': { type: 'boolean', default: false },
  out: { type: 'string', default: resultsOf('train-step') },
})
const [rounds, steps, threads] = [values.rounds, values.steps, values.threads].map(Number)

const python = worker('train_step.py')
const machine = ceilings(threads)
const contestants = {
  lvm_torch: (model, precision) => ours(model, precision, steps, threads),
  pytorch_eager: async (model, precision) => (await python.ask({ model, precision, steps, threads, compile: false })).ms_per_step,
}
if (!values['no-compile'])
  contestants.pytorch_compile = async (model, precision) =>
    (await python.ask({ model, precision, steps, threads, compile: true })).ms_per_step

const { torch, python: pythonVersion, capability, models } = await python.ask({ command: 'versions' })
// Models whose published form is slower in PyTorch at a short context than an equal form.
contestants.reference = async (model, precision) =>
  (await python.ask({ model: `${model}_reference`, precision, steps, threads })).ms_per_step
const taking = (model) => Object.keys(contestants).filter((name) => name !== 'reference' || models.includes(`${model}_reference`))
const columns = [...new Set(values.models.split(',').flatMap(taking))]
const report = {
  version: 1,
  ...circumstances('train-step.mjs'),
  capability,
  threads,
  rounds,
  steps_per_round: steps,
  batch: 32,
  context: 5,
  dim: 768,
  versions: { node: process.versions.node, libtorch: libtorchVersion(), pytorch: torch, python: pythonVersion },
  results: [],
}
process.stdout.write(
  `${report.cpu}, ${report.cores} cores (${capability}), ${threads} threads · libtorch ${report.versions.libtorch}, ` +
    `PyTorch ${torch}, Node ${report.versions.node} · commit ${report.commit}\n` +
    `median ms a step over ${rounds} rounds of ${steps} steps in turns; ratio = PyTorch / lvm-torch of each round (min–max)\n\n`,
)
const cells = (row) => process.stdout.write(`${row.map((cell, i) => (i < 2 ? cell.padEnd(12) : cell.padStart(18))).join('')}\n`)
cells([
  'model',
  'precision',
  ...columns,
  ...columns.slice(1).map((name) => `ratio ${name.replace('pytorch_', '')}`),
  'share of floor',
])

for (const model of values.models.split(',')) {
  const names = taking(model)
  for (const precision of values.precisions.split(',')) {
    const dtype = precision === 'bf16' ? 'bfloat16' : 'float32'
    await contestants.lvm_torch(model, precision) // builds the model
    const { matrices, parameters } = facts(model, precision)
    await machine.look(matrices, dtype)
    const ms = await turns(Object.fromEntries(names.map((name) => [name, () => contestants[name](model, precision)])), rounds)
    const ratios = Object.fromEntries(
      names.slice(1).map((name) => [name, summary(ms[name].map((time, i) => time / ms.lvm_torch[i]))]),
    )
    await machine.look(matrices, dtype)
    const floor = machine.floor(matrices, parameters, dtype)
    const shares = summary(ms.lvm_torch.map((time) => floor.ms / time))
    report.results.push({
      model,
      precision,
      parameters,
      floor_ms: floor,
      share_of_floor: shares,
      ms_per_step: Object.fromEntries(names.map((name) => [name, summary(ms[name])])),
      ratios,
      rounds: ms,
    })
    const time = (name) => (name in ms ? middle(ms[name]).toFixed(1) : '')
    cells([
      model,
      precision,
      ...columns.map(time),
      ...columns.slice(1).map((name) => (ratios[name] ? shown(ratios[name]) : '')),
      shown(shares),
    ])
  }
}
python.end()
report.ceilings = machine.report()
const ratio = (ratios, name) => (name in ratios ? shown(ratios[name]) : '–')
keep('train-step', values.out, report, [
  `A training step at batch 32, context 5, dimension 768, beside PyTorch eager with fused AdamW in one run (\`${report.command}\`); above 1, lvm-torch is faster.`,
  `The published form is the one of the reference implementation, where eager PyTorch has a quicker one with the same mathematics.`,
  `Seen on ${report.cpu} (${report.capability}), ${report.threads} threads, load ${report.load_before.toFixed(1)} before, commit ${report.commit}; other processors give other ratios.`,
  `The floor is the time of a step's products at the speed that products of their shapes reach in the same run (forward, dX and dW apart), and of 32 bytes a parameter at the speed of a copy (${report.ceilings.copy_gigabytes_per_second.toFixed(1)} GB/s).`,
  '',
  '| model | precision | PyTorch / lvm-torch, median of rounds (min–max) | torch.compile / lvm-torch | published form / lvm-torch | share of the floor |',
  '|---|---|---|---|---|---|',
  ...report.results.map(
    ({ model, precision, ratios, share_of_floor }) =>
      `| ${model} | ${precision} | ${ratio(ratios, 'pytorch_eager')} | ${ratio(ratios, 'pytorch_compile')} | ${ratio(ratios, 'reference')} | ${shown(share_of_floor)} |`,
  ),
])
