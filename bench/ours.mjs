// Times the training step of lvm-torch: the loop of `lvm-torch train` without data files, reports and checkpoints.
import { findArchitecture } from '../dist/lib/architectures/index.js'
import { native } from '../dist/lib/native.js'
import { useMultiplier } from '../dist/lib/torch/multiplier.js'
import { matricesOf, parametersOf } from './floor.mjs'
import { OPTIONS, SMALLER } from './gpu/subjects.mjs'

const ROWS = 42113
const DIM = 768
const CONTEXT = 5
const WARM_UP = 8

/** Random unit vectors, as many as in the Wikipedia base, equal in every run. */
function base() {
  const vectors = new Float32Array(ROWS * DIM)
  let state = 1
  for (let row = 0; row < vectors.length; row += DIM) {
    let sum = 0
    for (let k = row; k < row + DIM; k++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0
      vectors[k] = state
      sum += state * state
    }
    const norm = Math.sqrt(sum)
    for (let k = row; k < row + DIM; k++) vectors[k] /= norm
  }
  return native.tensorFrom(vectors, [ROWS, DIM], 'float32')
}

let samples
const windows = Int32Array.from({ length: ROWS - CONTEXT }, (_, i) => i)
const trainers = new Map()

async function trainerOf(name, precision) {
  samples ??= native.samples(
    base(),
    null,
    windows,
    windows.map((i) => i + CONTEXT),
    CONTEXT,
  )
  const { presets, spec } = findArchitecture(name)
  const { node } = spec({ dim: DIM, context: CONTEXT }, { ...presets.target, ...SMALLER[name] })
  const model = await native.model(node, 'float32', 'cpu', 0)
  const trainer = await native.trainer(model, samples, windows, { ...OPTIONS, bf16: precision === 'bf16' })
  const state = { model, trainer, epoch: 0, from: 0, perEpoch: native.trainerStepsPerEpoch(trainer) }
  await run(state, WARM_UP)
  return state
}

/** Makes `steps` steps, across epochs where necessary. Returns the time per step. Units: ms */
async function run(state, steps) {
  const began = performance.now()
  for (let left = steps; left > 0; ) {
    const now = Math.min(left, state.perEpoch - state.from)
    await native.trainerRun(state.trainer, state.epoch, state.from, new Float64Array(now).fill(5e-4))
    left -= now
    state.from += now
    if (state.from === state.perEpoch) Object.assign(state, { epoch: state.epoch + 1, from: 0 })
  }
  return (performance.now() - began) / steps
}

/** Facts about the model that is kept: its matrices and the number of its parameters. */
export function facts(name, precision) {
  const { model } = trainers.get(`${name} ${precision}`)
  return { matrices: matricesOf(model, OPTIONS.batch, CONTEXT, name === 'mlp'), parameters: parametersOf(model) }
}

/** Time per step of the `target` preset of `name`. The model and its position in the data are kept until the next model. Units: ms */
export async function ours(name, precision, steps, threads) {
  native.setThreads(threads)
  await useMultiplier(undefined)
  const key = `${name} ${precision}`
  if (!trainers.has(key)) {
    for (const { trainer, model } of trainers.values()) for (const handle of [trainer, model]) native.dispose(handle)
    trainers.clear()
    trainers.set(key, await trainerOf(name, precision))
  }
  return run(trainers.get(key), steps)
}

export const libtorchVersion = () => native.libtorchVersion()
