import { describe, expect, test } from 'vitest'
import { run } from './run.js'

describe('process.exit()', () => {
  test.each([
    ['a training that has just begun', 'exitWhileTraining', 0],
    ['a training', 'exitWhileTraining', 80],
    ['an evaluation', 'exitWhileEvaluating', 80],
    ['a queue of products', 'exitWhileMultiplying', 40],
    ['rejections', 'exitInTheMiddleOfRejections', 0],
  ])('in the middle of %s ends with its own code, at once', async (_, scene, pause) => {
    const { code, signal, out, err } = await run('scenes.mjs', [scene, pause])
    expect({ code, signal, err }).toEqual({ code: 3, signal: null, err: '' })
    expect(out).not.toContain('too late')
  })
  test('is what an uncaught error comes to during a training as well', async () => {
    const { code, signal, err } = await run('scenes.mjs', ['throwWhileTraining', 30])
    expect([code, signal]).toEqual([1, null])
    expect(err).toContain('a mistake of the user')
  })
})

describe('a process', () => {
  test('ends by itself when nothing is pending, whatever it holds', async () => {
    expect(await run('scenes.mjs', ['endWithThingsLeft'])).toEqual({ code: 0, signal: null, out: 'kept 6\n', err: '' })
  })
  test('ends after the work it asked for, even if it does not wait', async () => {
    expect(await run('scenes.mjs', ['endWithWorkLeft'])).toEqual({ code: 0, signal: null, out: 'made 12\n', err: '' })
  })
})

test('work goes on when its trainer was forgotten or its model is used, stops when it is told to, and is heard of either way', async () => {
  const scenes = ['forgetTheTrainer', 'disposeTheTrainer', 'stopTheTrainer', 'disposeEverythingAtOnce', 'predictWhileTraining']
  const out = 'made 12\nstopped\nstopped\nshape 1,16\nboth\n'
  expect(await run('scenes.mjs', [scenes.join(',')])).toEqual({ code: 0, signal: null, out, err: '' })
})
