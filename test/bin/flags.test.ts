import { describe, expect, it } from 'vitest'
import yargs from 'yargs'
import { flags, given, wrapped } from '../../bin/flags.js'
import { choice, flag, integer, real, resolve, text } from '../../lib/options.js'
import { kebab } from '../../lib/show.js'

const fields = {
  batchSize: integer({ default: 32, min: 1, about: 'windows per step', group: 'Training' }),
  lr: real({ default: 5e-4, min: 0, about: 'learning rate' }),
  schedule: choice(['plateau', 'warmup-cosine'], { default: 'plateau', about: 'how the rate falls' }),
  resume: flag({ default: false, about: 'go on' }),
  shuffle: flag({ default: true, about: 'mix the windows' }),
  name: text({ default: undefined, about: 'folder' }),
}
const parse = (line: string) =>
  given(
    fields,
    yargs(line)
      .parserConfiguration({ 'parse-numbers': false, 'duplicate-arguments-array': false })
      .options(flags(fields))
      .parseSync(),
  )

describe('given', () => {
  it('is empty when nothing was typed, so that defaults and recipes stay with the library', () => expect(parse('')).toEqual({}))
  it('holds what was typed, in the library’s names and types', () =>
    expect(parse('--batch-size 8 --lr=1e-3 --schedule plateau --resume --no-shuffle --name 007')).toEqual({
      batchSize: 8,
      lr: 0.001,
      schedule: 'plateau',
      resume: true,
      shuffle: false,
      name: '007',
    }))
  it('takes the last of two', () => expect(parse('--batch-size 8 --batch-size 16')).toEqual({ batchSize: 16 }))
  it('takes a negative number as a value', () => expect(parse('--lr -1')).toEqual({ lr: -1 }))
  it.each([
    ['--batch-size many', '"many"'],
    ['--batch-size 1.5', '1.5'],
    ['--batch-size=', '""'],
    ['--lr Infinity', '"Infinity"'],
  ])('leaves %s to the library, which quotes it', (line, quoted) =>
    expect(() => resolve('train', fields, parse(line))).toThrow(`but received ${quoted}`),
  )
})

describe('help', () => {
  it('says what an option is for, what it takes and what it is without', () => {
    expect(flags(fields)['batch-size']).toMatchObject({ describe: 'windows per step (an integer ≥ 1) [32]', group: 'Training:' })
    expect(flags(fields).schedule?.describe).toBe('how the rate falls (one of plateau, warmup-cosine) [plateau]')
    expect(flags(fields).resume?.describe).toBe('go on')
    expect(flags(fields).shuffle?.describe).toBe('mix the windows [on]')
    expect(flags(fields).name?.describe).toBe('folder')
  })
})

it('kebab', () => expect(['lr', 'batchSize', 'saveEvery'].map(kebab)).toEqual(['lr', 'batch-size', 'save-every']))

it('wraps between words, and leaves a word that is too long alone', () => {
  expect(wrapped('one two three four', 9)).toBe('one two\nthree\nfour')
  expect(wrapped('a unbreakable b', 5)).toBe('a\nunbreakable\nb')
  expect(wrapped('', 5)).toBe('')
})
