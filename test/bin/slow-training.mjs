// Runs the compiled loop of `train` with a slow fake training, so that a test can interrupt it.
// Arguments: duration of the last step after a stop request (ms), then the command line to repeat.
import { endWithReader, hearParent } from '../../dist/bin/signals.js'
import { runTraining } from '../../dist/bin/training.js'

const lag = Number(process.argv.splice(2, 1)[0])
const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms))

async function* train({ name }, { signal }) {
  const figures = { epoch: 1, epochs: 2, steps: 9, loss: 1, lr: 1e-3, samples_per_second: 1, seconds_left: 9 }
  for (let step = 1; !signal.aborted; step++) {
    yield { type: 'progress', version: 1, ...figures, step }
    await sleep(10)
  }
  await sleep(lag)
  const best = { best_epoch: 0, val_loss: 0.5, val_cosine: 0.1, seconds: 1 }
  yield { type: 'result', version: 1, run: `artifacts/${name}`, model: 'lstm', stopped: 'interrupted', ...best }
}
endWithReader()
hearParent()
process.stdout.write(`pid ${process.pid}, ready\n`)
await runTraining(train, { model: 'lstm', data: 'x', name: 'lstm_baseline' }, undefined, {
  json: process.argv.includes('--json'),
})
