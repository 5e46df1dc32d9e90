import type { EmaRule } from '../checkpoint/run-manifest.js'
import type { ParamGroup } from '../checkpoint/run-weights.js'
import type { Plan } from './recipe.js'

const snake = (key: string) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Content of config.json: settings under the names of the specification, all others in snake case. */
export function configOf(
  { architecture, train }: Plan,
  model: Readonly<Record<string, unknown>>,
  facts: {
    dim: number
    context: number
    parameters: number
    trainable: number
    device: string
    threads: number
    emaRule: EmaRule | null
  },
) {
  const {
    lr,
    batchSize,
    clip,
    context: _________,
    schedule,
    data,
    resume: _,
    overwrite: __,
    name: ___,
    out: ____,
    device: _____,
    threads: ______,
    extend: _______,
    encoder: ________,
    log: __________,
    processes: ___________,
    rankTimeout: ____________,
    shardOptimizer: _____________,
    ...others
  } = train
  return {
    version: 1,
    model: architecture.name,
    title: architecture.title,
    vector_dim: facts.dim,
    parameters: facts.parameters,
    trainable_parameters: facts.trainable,
    model_options: Object.fromEntries(Object.entries(model).map(([key, value]) => [snake(key), value ?? null])),
    data: data ?? null,
    context_length: facts.context,
    batch_size: batchSize,
    learning_rate: lr,
    optimizer: 'AdamW',
    lr_schedule: schedule === 'plateau' ? 'ReduceLROnPlateau' : schedule,
    gradient_clip: clip,
    device: facts.device,
    threads: facts.threads,
    ema_rule: facts.emaRule,
    ...Object.fromEntries(Object.entries(others).map(([key, value]) => [snake(key), value ?? null])),
  }
}

export const paramGroup = ({ train: { beta1, beta2, eps, weightDecay } }: Plan, lr: number): ParamGroup => ({
  lr,
  betas: [beta1, beta2],
  eps,
  weight_decay: weightDecay,
})
