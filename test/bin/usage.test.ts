import { describe, expect, it } from 'vitest'
import { usageError } from '../../bin/usage.js'
import { distance, nearestWord } from '../../lib/show.js'

const known = {
  verb: 'train',
  command: 'train <model>',
  verbs: [],
  options: ['epochs', 'batch-size', 'data'],
  words: [] as string[],
}

describe('nearest', () => {
  const options = ['epochs', 'batch-size', 'seed', 'seeds', 'lr', 'weight-decay']
  it.each([
    ['epoch', 'epochs'],
    ['ephocs', 'epochs'],
    ['batchsize', 'batch-size'],
    ['batch', 'batch-size'],
    ['sed', 'seed'],
    ['weight_decay', 'weight-decay'],
  ])('%s is %s', (word, meant) => expect(nearestWord(word, options)).toBe(meant))
  it.each(['zzz', 'q', 'learning', ''])('"%s" is nothing', (word) => expect(nearestWord(word, options)).toBeUndefined())
  it('knows nothing when nothing is known', () => expect(nearestWord('epochs', [])).toBeUndefined())
})

it('counts letters left out, added, changed or swapped', () => {
  expect(distance('kitten', 'sitting')).toBe(3)
  expect(distance('trian', 'train')).toBe(1)
  expect(distance('', 'abc')).toBe(3)
  expect(distance('same', 'same')).toBe(0)
})

describe('usageError', () => {
  it.each([
    ['Unknown argument: epoch', ['--epoch=3'], 'train: there is no option --epoch; did you mean --epochs?'],
    [
      'Unknown arguments: batchsize, batchsize',
      ['--no-batchsize'],
      'train: there is no option --batchsize; did you mean --batch-size?',
    ],
    ['Unknown argument: xyz', ['--xyz'], 'train: there is no option --xyz'],
    ['Unknown argument: extra', ['extra'], 'train: "extra" is one argument too many'],
    ['Missing required argument: data', [], 'train: --data is missing'],
    ['Not enough arguments following: data', ['--data'], 'train: --data needs a value'],
    ['Not enough non-option arguments: got 0, need at least 1', [], 'train: <model> is missing'],
    ['something else', [], 'train: something else'],
  ])('%s', (message, words, sentence) => {
    const error = usageError(message, { ...known, words })
    expect(error.message).toBe(sentence)
    expect(error.exit).toBe(2)
    expect(error.hint).toBe('run: lvm-torch train --help')
  })
  it('names the nearest verb', () => {
    const root = { ...known, verb: '', command: '', verbs: ['train', 'evaluate'], words: ['trian'] }
    expect(usageError('Unknown argument: trian', root).message).toBe('lvm-torch: there is no verb "trian"; did you mean train?')
    expect(usageError('Not enough non-option arguments: got 0', root).message).toBe('lvm-torch: a verb is missing')
  })
})
