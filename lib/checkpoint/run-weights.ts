import { LvmError } from '../errors.js'
import { isTensorEntry, openPt } from '../files/pt.js'
import { type NativeModel, type NativeTensor, type NativeTrainer, native, type TrainerState } from '../native.js'
import { readTensor } from '../torch/read-tensor.js'
import { Tensor } from '../torch/tensor.js'
import type { Weights } from './run-manifest.js'
import { openState } from './state-dict.js'
import { completed, type StoredTensors } from './stored-tensors.js'

/** Loads the weights of a .pt file into a model. Errors: BAD_CHECKPOINT names the missing, unexpected or misshapen tensor. */
export async function loadWeights(model: NativeModel, path: string): Promise<void> {
  await fill(model, path, (await openState(path)).tensors)
}

/** Copies tensors into a model with exactly these names, one at a time to save memory. Errors: BAD_CHECKPOINT. */
export async function fill(model: NativeModel, path: string, stored: StoredTensors): Promise<void> {
  const state = new Map(native.modelState(model).map(({ name, tensor }) => [name, tensor]))
  const tensors = completed(stored, (name) => (state.has(name) ? native.tensorShape(state.get(name)!) : undefined))
  const refuse = (expected: string, received: string) =>
    new LvmError('BAD_CHECKPOINT', `${path}: expected ${expected} but received ${received}`)
  for (const [name, own] of state) {
    const [wanted, found] = [`[${native.tensorShape(own).join(', ')}]`, tensors.get(name)]
    if (found === undefined) throw refuse(`a tensor "${name}"`, 'none')
    if (`[${found.shape.join(', ')}]` !== wanted) throw refuse(`shape ${wanted} for "${name}"`, `[${found.shape.join(', ')}]`)
  }
  const unexpected = [...tensors.keys()].find((name) => !state.has(name))
  if (unexpected !== undefined) throw refuse("only this model's tensors", `"${unexpected}"`)
  for (const [name, own] of state) {
    using tensor = await tensors.get(name)!.read()
    await copy(tensor, own)
    native.dispose(own) // would keep the memory of a matrix that is packed later
  }
}

/** Submodules of a block in PyTorch's order of registration, where it differs from the order of computation. */
const REGISTERED = ['self_attn', 'multihead_attn', 'linear1', 'linear2', 'mamba', 'gru', 'norm', 'norm1', 'norm2', 'norm3']

/** Sorts parameters as PyTorch's `parameters()`, because its optimizers identify parameters by index. */
function inOrder<T extends { readonly name: string }>(parameters: readonly T[]): T[] {
  const places = new Map(parameters.map(({ name }, i) => [name, i]))
  return parameters.toSorted((a, b) => {
    const [x, y] = [a.name.split('.'), b.name.split('.')]
    const fork = x.findIndex((part, i) => part !== y[i])
    const [i, j] = [REGISTERED.indexOf(x[fork] ?? ''), REGISTERED.indexOf(y[fork] ?? '')]
    return i >= 0 && j >= 0 ? i - j : places.get(a.name)! - places.get(b.name)!
  })
}

/** AdamW settings in PyTorch's format. */
export interface ParamGroup {
  lr: number
  betas: [number, number]
  eps: number
  weight_decay: number
}

/**
 * Builds the value that `torch.save` would write: weights, optimizer moments and the figures of an epoch.
 *
 * Frozen parameters have no moments. There is one group of parameters for each factor of the learning rate.
 *
 * `model_state_dict` holds the weights now in the model. With averaging, the file also holds the other weights: the raw ones as
 * `training_state_dict`, or the average as `average_state_dict`. With `alone` it holds only the weights now in the model, and the state of an
 * optimizer before its first step, which PyTorch loads.
 */
export function checkpointValue(
  model: NativeModel,
  { steps, slots: trained }: TrainerState,
  facts: {
    epoch: number
    val_loss: number
    val_cosine: number
    args: Record<string, unknown>
    group: ParamGroup
    /** Factors of the learning rate by parameter; 0 for a frozen one. */
    lrScales: Readonly<Record<string, number>>
    weights: Weights
    alone: boolean
  },
): Record<string, unknown> {
  const slots = new Map(trained.map((slot) => [slot.name, slot]))
  const all = inOrder(native.modelState(model))
  const parameters = all.filter(({ trainable }) => trainable)
  const step = () => Tensor.from(Float32Array.of(steps), []).native // one per parameter, because AdamW increments it in place
  const { group, lrScales, weights, alone, ...figures } = facts
  const factors = parameters.map(({ name }) => lrScales[name] || 1)
  const others = weights === 'average' ? 'training_state_dict' : 'average_state_dict'
  const averaged = !alone && trained.some(({ average }) => average !== undefined)
  return {
    ...figures,
    model_state_dict: Object.fromEntries(all.map(({ name, tensor }) => [name, tensor])),
    ...(averaged && {
      [others]: Object.fromEntries(parameters.map(({ name, tensor }) => [name, slots.get(name)?.average ?? tensor])),
    }),
    optimizer_state_dict: {
      state: Object.fromEntries(
        parameters.flatMap(({ name }, i) => {
          const slot = alone ? undefined : slots.get(name)
          return slot === undefined ? [] : [[i, { step: step(), exp_avg: slot.m, exp_avg_sq: slot.v }]]
        }),
      ),
      param_groups: [...new Set(factors)].map((factor) => ({
        ...group,
        lr: group.lr * factor,
        amsgrad: false,
        maximize: false,
        foreach: null,
        capturable: false,
        differentiable: false,
        fused: null,
        decoupled_weight_decay: true,
        params: factors.flatMap((own, i) => (own === factor ? [i] : [])),
      })),
    },
  }
}

async function copy(from: Tensor, into: NativeTensor): Promise<void> {
  await Tensor.wrap(into).change('aten::copy_', from)
}

/** Copies the elements of a tensor whose state a rank keeps: all of them, or those of a flat part. */
async function copyPart(from: Tensor, part: readonly [number, number] | undefined, into: NativeTensor): Promise<void> {
  if (part === undefined) return copy(from, into)
  using flat = await from.op('aten::view', [-1])
  using own = await flat.op('aten::slice', 0, ...part)
  await copy(own, into)
}

/** Restores a trainer and its model from a file written with `checkpointValue`. Errors: BAD_CHECKPOINT. */
export async function restoreTraining(model: NativeModel, trainer: NativeTrainer, path: string, steps: number): Promise<void> {
  const file = await openPt(path, { verify: false })
  const damaged = (what: string) => new LvmError('BAD_CHECKPOINT', `${path}: expected ${what} but it is not there`)
  const root = file.value as Map<string, unknown>
  const optimizer = root.get('optimizer_state_dict') as Map<string, Map<number, Map<string, unknown>>> | undefined
  const state = optimizer?.get('state')
  const slots = new Map(native.trainerState(trainer).slots.map((slot) => [slot.name, slot]))
  const parameters = inOrder(native.modelState(model).filter(({ trainable }) => trainable))
  const trained = root.get('training_state_dict') as Map<string, unknown> | undefined
  const others = trained ?? (root.get('average_state_dict') as Map<string, unknown> | undefined)
  await loadWeights(model, path)
  for (const [i, { name, tensor: weights }] of parameters.entries()) {
    const slot = slots.get(name)
    if (slot === undefined) continue // frozen
    const { m, v, average, part } = slot
    for (const [key, into] of [
      ['exp_avg', m],
      ['exp_avg_sq', v],
    ] as const) {
      const entry = state?.get(i)?.get(key)
      if (!isTensorEntry(entry)) throw damaged(`the optimizer's ${key} of "${name}"`)
      using tensor = await readTensor(file, entry)
      await copyPart(tensor, part, into)
    }
    if (average === undefined) continue
    const entry = others?.get(name)
    if (!isTensorEntry(entry)) throw damaged(`the ${trained ? 'trained' : 'averaged'} weights of "${name}"`)
    using tensor = await readTensor(file, entry)
    if (trained === undefined) await copyPart(tensor, part, average)
    else {
      await copyPart(Tensor.wrap(weights), part, average) // the file stores the average as the model's weights
      await copy(tensor, weights)
    }
  }
  native.trainerSetSteps(trainer, steps)
}

/** Size of all weights and buffers of a model. Units: bytes, `each` for a number. */
export const storedBytes = (model: NativeModel, each: number): number =>
  native.modelState(model).reduce((sum, { tensor }) => sum + each * native.tensorShape(tensor).reduce((a, b) => a * b, 1), 0)
