import { describe, expect, test } from 'vitest'
import { run } from './run.js'

describe('the end of a process during work', () => {
  test.each([
    ['a training that has just begun', 'exitWhileTraining', 0],
    ['a training', 'exitWhileTraining', 80],
    ['an evaluation', 'exitWhileEvaluating', 80],
    ['a queue of products', 'exitWhileMultiplying', 40],
    ['rejections', 'exitInTheMiddleOfRejections', 0],
  ])('process.exit() during %s ends the process at once, with its own code', async (_, scene, pause) => {
    const { code, signal, out, err } = await run('scenes.mjs', [scene, pause])
    expect({ code, signal, err }).toEqual({ code: 3, signal: null, err: '' })
    expect(out).not.toContain('too late')
  })
  test('an uncaught error during a training ends the process with code 1 and its message', async () => {
    const { code, signal, err } = await run('scenes.mjs', ['throwWhileTraining', 30])
    expect([code, signal]).toEqual([1, null])
    expect(err).toContain('a mistake of the user')
  })
})

describe('the end of a process by itself', () => {
  test('a process that holds handles ends when no work is pending', async () => {
    expect(await run('scenes.mjs', ['endWithThingsLeft'])).toEqual({ code: 0, signal: null, out: 'kept 6\n', err: '' })
  })
  test('a process ends after the work it requested, even if it does not await it', async () => {
    expect(await run('scenes.mjs', ['endWithWorkLeft'])).toEqual({ code: 0, signal: null, out: 'made 12\n', err: '' })
  })
})

test('a run settles when its trainer is unreachable, disposed or stopped, or its model predicts meanwhile', async () => {
  const scenes = ['forgetTheTrainer', 'disposeTheTrainer', 'stopTheTrainer', 'disposeEverythingAtOnce', 'predictWhileTraining']
  const out = 'made 12\nstopped\nstopped\nshape 1,16\nboth\n'
  expect(await run('scenes.mjs', [scenes.join(',')])).toEqual({ code: 0, signal: null, out, err: '' })
})
