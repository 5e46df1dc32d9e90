import { describe, expect, it } from 'vitest'
import { listed, offered, usageError } from '../../bin/usage.js'
import { distance, nearestWord } from '../../lib/show.js'

const known = {
  verb: 'train',
  command: 'train <model>',
  verbs: [],
  options: ['epochs', 'batch-size', 'data'],
  words: [] as string[],
}

describe('nearestWord', () => {
  const options = ['epochs', 'batch-size', 'seed', 'seeds', 'lr', 'weight-decay']
  it.each([
    ['epoch', 'epochs'],
    ['ephocs', 'epochs'],
    ['batchsize', 'batch-size'],
    ['batch', 'batch-size'],
    ['sed', 'seed'],
    ['weight_decay', 'weight-decay'],
  ])('the nearest word of %s is %s', (word, meant) => expect(nearestWord(word, options)).toBe(meant))
  it.each(['zzz', 'q', 'learning', ''])('"%s" has no nearest word', (word) => expect(nearestWord(word, options)).toBeUndefined())
  it('an empty list has no nearest word', () => expect(nearestWord('epochs', [])).toBeUndefined())
})

it('distance counts letters that were left out, added, changed or swapped', () => {
  expect(distance('kitten', 'sitting')).toBe(3)
  expect(distance('trian', 'train')).toBe(1)
  expect(distance('', 'abc')).toBe(3)
  expect(distance('same', 'same')).toBe(0)
})

describe('offered', () => {
  it('a help text gives the verb, its arguments, its verbs and its options', () => {
    const help = [
      'lvm-torch benchmark <run..>\n\nmeasure runs\n',
      'Commands:\n  lvm-torch benchmark compare <before> <after>  compare two files\n  lvm-torch benchmark list  list\n',
      'Positionals:\n  run  runs\n',
      'Options:\n  --json    answer in JSON\n            --here is a continued line\n  --device  one device\n',
      'Examples:\n  lvm-torch benchmark lstm  one run',
    ]
    expect(offered(help.join('\n'))).toEqual({
      verb: 'benchmark',
      command: 'benchmark <run..>',
      verbs: ['compare', 'list'],
      options: ['json', 'device', 'run'],
    })
  })
  it('the help of the program gives an empty verb', () => {
    const help =
      'lvm-torch VERB [options]\n\nabout\n\nCommands:\n  lvm-torch demo   train\n  lvm-torch train  train\n\nOptions:\n'
    expect(offered(help)).toMatchObject({ verb: '', verbs: ['demo', 'train'] })
  })
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
    ['Missing required argument: data', ['--dta', 'x'], 'train: there is no option --dta; did you mean --data?'],
    ['Missing required argument: data', ['--batchSize=3', '--no-epochs'], 'train: --data is missing'],
    ['Not enough non-option arguments: got 0', ['--epcohs', '3'], 'train: there is no option --epcohs; did you mean --epochs?'],
    ['Not enough arguments following: data', ['--data'], 'train: --data needs a value'],
    ['Not enough non-option arguments: got 0, need at least 1', [], 'train: <model> is missing'],
    ['something else', [], 'train: something else'],
  ])('the parser message «%s» after %j becomes «%s»', (message, words, sentence) => {
    const error = usageError(message, { ...known, words })
    expect(error.message).toBe(sentence)
    expect(error.exit).toBe(2)
    expect(error.hint).toBe('run: lvm-torch train --help')
  })
  it('a verb of verbs that was typed alone is listed, but not one with a mistake or an argument', () => {
    const [message, runs] = [
      'Not enough non-option arguments: got 0',
      { ...known, verb: 'runs', command: 'runs', verbs: ['list'] },
    ]
    expect(listed(message, runs, ['runs'])).toBe(true)
    expect(listed(message, runs, ['runs', '--otu'])).toBe(false)
    expect(listed('Unknown argument: lits', runs, ['runs', 'lits'])).toBe(false)
    expect(listed(message, { ...runs, command: 'runs <run>' }, ['runs'])).toBe(false)
    expect(listed(message, { ...runs, verb: '' }, [])).toBe(false)
  })
  it('an unknown verb is answered with the nearest verb', () => {
    const root = { ...known, verb: '', command: '', verbs: ['train', 'evaluate'], words: ['trian'] }
    expect(usageError('Unknown argument: trian', root).message).toBe('lvm-torch: there is no verb "trian"; did you mean train?')
    expect(usageError('Not enough non-option arguments: got 0', root).message).toBe('lvm-torch: a verb is missing')
  })
})
