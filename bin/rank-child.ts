import { asLvmError, ERRORS } from '../lib/errors.js'
import { type EvaluateRunsOptions, evaluate } from '../lib/evaluate/evaluate-runs.js'
import type { TrainOptions } from '../lib/index.js'
import type { Failure, RankWork } from '../lib/ranks/launch.js'
import { type RetrieveOptions, retrieve } from '../lib/study/retrieval/retrieve.js'
import { train } from '../lib/train/train.js'

// One rank of a verb with --processes N: rank 0, its parent, sends the verb and its options, and this process ends with it.

const stopping = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stopping.abort())
process.on('SIGHUP', () => {}) // rank 0 decides what a closed terminal means
process.on('disconnect', () => process.exit(ERRORS.RANK_LOST.exit))

/** Does what the other ranks do too; the result is rank 0's. */
async function work({ verb, options }: RankWork): Promise<void> {
  if (verb === 'evaluate') await evaluate(options as unknown as EvaluateRunsOptions)
  else if (verb === 'retrieve') await retrieve(options as unknown as RetrieveOptions)
  else for await (const _ of train(options as unknown as TrainOptions, { signal: stopping.signal }));
}

process.once('message', async (message) => {
  try {
    await work(message as RankWork)
    process.exit(0)
  } catch (error) {
    const { code, message, exit } = asLvmError(error)
    process.send!({ code, message } satisfies Failure, () => process.exit(exit))
  }
})
process.send!('ready')
