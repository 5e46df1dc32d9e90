import { describe, expect, it } from 'vitest'
import yargs from 'yargs'
import { flags, given, wrapped } from '../../bin/flags.js'
import { choice, flag, integer, real, resolve, text } from '../../lib/options.js'
import { kebab } from '../../lib/show.js'

const fields = {
  batchSize: integer({ default: 32, min: 1, about: 'windows per step', group: 'Training' }),
  lr: real({ default: 5e-4, min: 0, about: 'learning rate' }),
  schedule: choice(['plateau', 'warmup-cosine'], { default: 'plateau', about: 'learning-rate schedule' }),
  resume: flag({ default: false, about: 'continue the run' }),
  shuffle: flag({ default: true, about: 'shuffle the windows' }),
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
  it('no typed option gives no options, so that the library sets defaults and recipes', () => expect(parse('')).toEqual({}))
  it('typed options have the names and types of the library', () =>
    expect(parse('--batch-size 8 --lr=1e-3 --schedule plateau --resume --no-shuffle --name 007')).toEqual({
      batchSize: 8,
      lr: 0.001,
      schedule: 'plateau',
      resume: true,
      shuffle: false,
      name: '007',
    }))
  it('the last of two equal flags counts', () => expect(parse('--batch-size 8 --batch-size 16')).toEqual({ batchSize: 16 }))
  it('a negative number is read as a value', () => expect(parse('--lr -1')).toEqual({ lr: -1 }))
  it.each([
    ['--batch-size many', '"many"'],
    ['--batch-size 1.5', '1.5'],
    ['--batch-size=', '""'],
    ['--lr Infinity', '"Infinity"'],
  ])('the library refuses %s and quotes the typed value', (line, quoted) =>
    expect(() => resolve('train', fields, parse(line))).toThrow(`but received ${quoted}`),
  )
})

describe('help', () => {
  it('the help of a flag has its description, its range and its default', () => {
    expect(flags(fields)['batch-size']).toMatchObject({ describe: 'windows per step (an integer ≥ 1) [32]', group: 'Training:' })
    expect(flags(fields).schedule?.describe).toBe('learning-rate schedule (one of plateau, warmup-cosine) [plateau]')
    expect(flags(fields).resume?.describe).toBe('continue the run')
    expect(flags(fields).shuffle?.describe).toBe('shuffle the windows [on]')
    expect(flags(fields).name?.describe).toBe('folder')
  })
})

it('kebab writes camelCase names with dashes', () =>
  expect(['lr', 'batchSize', 'saveEvery'].map(kebab)).toEqual(['lr', 'batch-size', 'save-every']))

it('wrapped breaks lines between words and never inside one', () => {
  expect(wrapped('one two three four', 9)).toBe('one two\nthree\nfour')
  expect(wrapped('a unbreakable b', 5)).toBe('a\nunbreakable\nb')
  expect(wrapped('', 5)).toBe('')
})
