// Compares rules for the decay of averaged weights (EMA) in one training, with one average per rule.
//   node bench/average-rules.mjs lstm --data F --at 80,400 [--decay 0.998] [any option of train]
// Prints the validation cosine of the raw weights and of each average at the steps of --at.
import { architectures } from '../dist/lib/architectures/index.js'
import { Tensor } from '../dist/lib/index.js'
import { native } from '../dist/lib/native.js'
import { prepare } from '../dist/lib/train/prepare.js'
import { plan } from '../dist/lib/train/recipe.js'
import { planned, rates, totalSteps } from '../dist/lib/train/schedule.js'
import { closeSession, openSession } from '../dist/lib/train/session.js'
import { trainFields } from '../dist/lib/train/train-fields.js'
import { asked } from './turns.mjs'

/** Decay at step t ≥ 1. */
const RULES = {
  constant: (_, d) => d,
  '(1+t)/(10+t)': (t, d) => Math.min(d, (1 + t) / (10 + t)),
  '1-(1+t)^(-2/3)': (t, d) => Math.min(d, 1 - (1 + t) ** (-2 / 3)),
  unbiased: (t, d) => (d * (1 - d ** (t - 1))) / (1 - d ** t),
}

const camel = (key) => key.replace(/-(.)/g, (_, letter) => letter.toUpperCase())
const { values, positionals } = asked(import.meta.url, optionsOf(), {
  allowPositionals: true,
  missing: ({ at }, models) => (at === undefined || models.length !== 1 ? 'Expected one model, and --at' : undefined),
})
function optionsOf() {
  const names = ['at', 'decay', ...Object.keys(trainFields), ...architectures.flatMap(({ fields }) => Object.keys(fields))]
  return Object.fromEntries(names.map((name) => [name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`), { type: 'string' }]))
}
const { at, decay = '0.998', ...others } = values
const stops = at.split(',').map(Number)
const typed = Object.entries(others).map(([key, text]) => [camel(key), Number.isNaN(Number(text)) ? text : Number(text)])
const how = plan(positionals[0], { ...Object.fromEntries(typed), ema: 0 })
const data = await prepare(how.train)
const spec = how.architecture.spec({ dim: data.train.base.dim, context: how.train.context }, how.model).node
native.setThreads(1)
const session = await openSession(how, data, { spec, device: 'cpu', threads: 1, recompute: false })
const judged = await native.model(spec, 'float32', 'cpu', 0)
const state = (model) => native.modelState(model).map(({ tensor }) => Tensor.wrap(tensor))
const [weights, shown] = [state(session.model), state(judged)]
const averages = await Promise.all(Object.values(RULES).map(() => Promise.all(weights.map((w) => w.op('aten::clone')))))

async function cosineOf(tensors) {
  for (const [i, tensor] of tensors.entries()) await shown[i].change('aten::copy_', tensor)
  const { cosine } = await native.evaluate(judged, data.val.samples, data.split.val, { batch: 256, centre: null })
  return (cosine.reduce((a, b) => a + b, 0) / cosine.length).toFixed(4)
}

console.log(['steps', 'raw', ...Object.keys(RULES)].join(' | '))
const total = totalSteps(how.train, session.steps)
const { progress } = session
for (let step = 0; step <= total; step++) {
  if (step === 0 || stops.includes(step)) {
    const figures = []
    for (const tensors of [weights, ...averages]) figures.push(await cosineOf(tensors))
    console.log([step, ...figures].join(' | '))
  }
  if (step === total) break
  const rate = rates(how.train, { schedule: progress.schedule, plan: planned(total) }, step, 1)
  await native.trainerRun(session.trainer, 1 + Math.floor(step / session.steps), step % session.steps, rate)
  for (const [i, rule] of Object.values(RULES).entries()) {
    const weight = 1 - rule(step + 1, Number(decay))
    for (const [j, average] of averages[i].entries()) await average.change('aten::lerp_.Scalar', weights[j], weight)
  }
}
closeSession(session)
data.dispose()
