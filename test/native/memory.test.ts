import { expect, test } from 'vitest'
import { run } from './run.js'

const megabytes = async (scenes: string): Promise<number[]> => {
  const { code, signal, out, err } = await run('scenes.mjs', [scenes])
  expect({ code, signal, err }).toEqual({ code: 0, signal: null, err: '' })
  return out.trim().split('\n').map(Number)
}

test('memory stays bounded when thousands of 1 MB tensors become unreachable', async () => {
  for (const growth of await megabytes('dropTensors,dropResults,dropViews')) expect(growth).toBeLessThan(600)
})
test('dispose() frees memory at once, without a turn of the event loop', async () => {
  expect((await megabytes('disposeTensors'))[0]).toBeLessThan(100)
})
test('disposing a model also disposes the weights and moments that were read from it', async () => {
  const { out, err } = await run('scenes.mjs', ['disposeModels'])
  const [growth, code] = out.trim().split('\n')
  expect({ err, code }).toEqual({ err: '', code: 'DISPOSED' })
  expect(Number(growth)).toBeLessThan(150)
})
