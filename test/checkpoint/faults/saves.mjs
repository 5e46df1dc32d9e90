// Saves weights of its own again and again, one call to the system failing each time; a line of JSON for each.
// Arguments: the run folder, the control file of the shim, errno, whether later calls fail as well.

import { randomBytes } from 'node:crypto'
import { openSync, readSync, writeSync } from 'node:fs'
import { openStore, verifyRun } from '../../../dist/lib/checkpoint/run-store.js'
import { native } from '../../../dist/lib/native.js'
import { Tensor } from '../../../dist/lib/torch/tensor.js'

const [folder, path, error, keep] = process.argv.slice(2)
const control = openSync(path, 'r+')
const arm = (at) => writeSync(control, new Uint8Array(Int32Array.of(at, Number(error), Number(keep), 0, 0).buffer), 0, 20, 0)
const failed = () => {
  const state = new Int32Array(5)
  readSync(control, new Uint8Array(state.buffer), 0, 20, 0)
  return state[4]
}

/** Weights as libtorch writes them, text as JavaScript does, and a file that is carried over. */
const saveOf = (step) => ({
  files: {
    'final_model.pt': (to) =>
      native.savePt(to, { step, weights: Tensor.from(Float32Array.from({ length: 3000 }, () => step)).native }),
    'training_history.json': JSON.stringify({ step }),
    ...(step === 1 && { 'split.json': randomBytes(2000) }),
  },
  keep: step === 1 ? [] : ['split.json'],
  manifest: { step },
  bytes: 0,
})

arm(0)
let store = await openStore(folder)
await store.save(saveOf(1))
for (let at = 1, step = 2; ; at++) {
  arm(at)
  const outcome = await store.save(saveOf(step)).then(
    () => 'saved',
    (thrown) => thrown.code ?? String(thrown),
  )
  const fired = failed()
  arm(0)
  const found = (await verifyRun(folder)).manifest.step
  console.log(JSON.stringify({ at, fired, outcome, step, found }))
  await store.close()
  store = await openStore(folder) // what was left is put right
  step = store.current().manifest.step + 1
  if (fired === 0) break
}
await store.close()
