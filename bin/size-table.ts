import type { TrainEvent } from '../lib/index.js'
import { bytes, count } from '../lib/show.js'

const ENDED = {
  steps: 'a larger one would leave fewer than 8 steps an epoch',
  memory: 'a larger one does not fit in memory',
  time: 'the time was up',
  slower: 'larger ones were not faster',
}

/** Speed of every batch size that was tried, and the size that was chosen. */
export function sizesTested({ batch_size, usual, sizes, ended }: Extract<TrainEvent, { type: 'batch_test' }>): string {
  const lines = sizes.map((size) => {
    const mark = size.batch_size === batch_size ? '  ◀' : ''
    return `${String(size.batch_size).padStart(11)} ${count(size.samples_per_second).padStart(9)} samples/s  about ${bytes(size.memory_bytes)}${mark}`
  })
  return [
    'batch  speed of sizes in a few steps',
    ...lines,
    `       ${ENDED[ended]}; --batch-size ${batch_size} is used (the recipe has ${usual})`,
  ].join('\n')
}
