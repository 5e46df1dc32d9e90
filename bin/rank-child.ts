import { asLvmError, ERRORS } from '../lib/errors.js'
import type { TrainOptions } from '../lib/index.js'
import type { Failure } from '../lib/ranks/launch.js'
import { train } from '../lib/train/train.js'

// One rank of `train --processes N`: rank 0, its parent, sends the options of the training, and this process ends with it.

const stopping = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stopping.abort())
process.on('SIGHUP', () => {}) // rank 0 decides what a closed terminal means
process.on('disconnect', () => process.exit(ERRORS.RANK_LOST.exit))

process.once('message', async (options) => {
  try {
    for await (const _ of train(options as TrainOptions, { signal: stopping.signal }));
    process.exit(0)
  } catch (error) {
    const { code, message, exit } = asLvmError(error)
    process.send!({ code, message } satisfies Failure, () => process.exit(exit))
  }
})
process.send!('ready')
