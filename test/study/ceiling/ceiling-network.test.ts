import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { native } from '../../../lib/native.js'
import { openNetwork } from '../../../lib/study/ceiling/network.js'
import { rowsOf, synthetic } from '../../evaluate/synthetic.js'

beforeAll(() => native.setThreads(1))
afterEach(() => vi.restoreAllMocks())

it.each([
  ['small', 16, { threads: 1 }],
  ['large', 8192, {}],
] as const)('the trainer of a %s network asks for one thread only where more gain nothing: width %d', async (_, width, asked) => {
  const trainer = vi.spyOn(native, 'trainer')
  const rows = rowsOf(synthetic({ dim: 8, context: 3, lengths: new Array(20).fill(14), seed: 3 }), () => true)
  const network = await openNetwork(rows, { seed: 0, width })
  const options = trainer.mock.calls[0]![3]
  expect(Object.hasOwn(options, 'threads') ? { threads: options.threads } : {}).toEqual(asked)
  network.close()
  network.dispose()
})
