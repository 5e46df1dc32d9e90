import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { checkCombinations, dataFacts } from '../../lib/experiment/data-facts.js'
import { readPlan } from '../../lib/experiment/read-plan.js'
import { experiment } from '../../lib/index.js'
import { place, vectorFile } from '../train/runs.js'
import { planFile } from './killed-experiment.js'

let data: string
beforeAll(async () => {
  data = await vectorFile('plan')
})

const good = () => [
  `data: ${data}`,
  'models: [lstm, transformer]',
  'fixed: {preset: tiny, epochs: 2}',
  'search:',
  '  lr: {min: 1e-4, max: 1e-2, log: true}',
  '  dropout: [0, 0.1]',
  'budget: {runs: 4}',
]
/** Reads the good plan with lines replaced by their number, or appended. */
const read = (changes: Readonly<Record<number, string>> = {}, ...more: string[]) =>
  readPlan(planFile(place('plans'), 'p', [...good().map((line, i) => changes[i + 1] ?? line), ...more]))

it('a plan gets all defaults, and names of options may be written as on the command line', async () => {
  const plan = await read({ 5: '  batch-size: [8, 16]' })
  expect(plan).toMatchObject({
    name: 'p',
    method: 'tpe',
    metric: 'val_cosine',
    direction: 'max',
    seeds: [0],
    keep: 10,
    confirm: { top: 3, seeds: 5 },
    budget: { runs: 4, seconds: null },
  })
  expect(Object.keys(plan.spaces.lstm!.search)).toEqual(['batchSize', 'dropout'])
})

it('options below a model replace those of all models, and a condition limits an option to values of another one', async () => {
  const plan = await read(
    { 2: 'models: {lstm: {search: {layers: {min: 1, max: 3}}}, transformer: {fixed: {lr: 0.001}}}' },
    'seeds: [1, 2]',
  )
  expect(plan.spaces.lstm!.search.layers).toEqual({
    domain: { kind: 'range', min: 1, max: 3, log: false, integer: true },
    when: {},
  })
  expect(plan.spaces.transformer!.search.lr).toBeUndefined()
  expect(plan.spaces.transformer!.fixed.lr).toBe(0.001)
})

describe('a plan is refused with the line of its fault', () => {
  const WRONG: [string, Readonly<Record<number, string>>, string[], RegExp][] = [
    ['an unknown key', {}, ['budgett: 3'], /p\.yaml:8: expected one of the keys .* for "budgett"/],
    ['a repeated key', {}, ['data: x'], /p\.yaml:8: expected each key once/],
    ['text that is no YAML', { 3: 'fixed: {preset: tiny' }, [], /p\.yaml:\d+: expected YAML/],
    ['an alias', { 3: 'fixed: &a {preset: tiny}' }, ['halving: *a'], /p\.yaml:8: expected a value but received the alias "\*a"/],
    ['a tag', { 3: 'fixed: !!js/function "x"' }, [], /p\.yaml:3: /],
    ['two documents', {}, ['---', 'a: 1'], /expected one YAML document/],
    ['a list as a plan', { 1: '- 1', 2: '', 3: '', 4: '', 5: '', 6: '', 7: '' }, [], /expected keys with values/],
    ['no data', { 1: '' }, [], /expected a value for "data"/],
    ['no budget', { 7: '' }, [], /expected a value for "budget"/],
    ['a budget of another kind', { 7: 'budget: 24' }, [], /p\.yaml:7: expected keys with values for "budget"/],
    ['a negative budget', { 7: 'budget: {runs: -1}' }, [], /p\.yaml:7: expected an integer from 1 to 10000 for "budget\.runs"/],
    ['a time without unit', { 7: 'budget: {runs: 4, time: 10}' }, [], /expected a time such as 90s.* for "budget\.time"/],
    ['an unknown model', { 2: 'models: [lstm, transfomer]' }, [], /p\.yaml:2: .* for "models\.1" but received "transfomer"/],
    ['a repeated model', { 2: 'models: [lstm, lstm]' }, [], /p\.yaml:2: expected each once/],
    ['no model', { 2: 'models: []' }, [], /expected at least one model/],
    ['an unknown option', { 5: '  lrr: [0.1]' }, [], /p\.yaml:5: expected an option of train or of lstm for "search\.lrr"/],
    [
      'an option of one model only',
      { 5: '  heads: [2, 4]' },
      [],
      /p\.yaml:5: expected an option that lstm has too .* received one of .*transformer/,
    ],
    [
      'an option that the experiment sets',
      { 3: 'fixed: {seed: 3}' },
      [],
      /p\.yaml:3: expected no such key here for "fixed\.seed"/,
    ],
    [
      'a value out of range',
      { 3: 'fixed: {epochs: -2}' },
      [],
      /p\.yaml:3: expected an integer ≥ 0 for "fixed\.epochs" but received -2/,
    ],
    [
      'a listed value out of range',
      { 6: '  dropout: [0, 2]' },
      [],
      /p\.yaml:6: expected a number from 0 to .* for "search\.dropout\.1" but received 2/,
    ],
    ['a repeated listed value', { 6: '  dropout: [0, 0]' }, [], /expected each value once/],
    ['an empty list', { 6: '  dropout: []' }, [], /expected at least one value/],
    [
      'a range upside down',
      { 5: '  lr: {min: 1e-2, max: 1e-4}' },
      [],
      /p\.yaml:5: expected more than min, 0\.01, for "search\.lr\.max"/,
    ],
    ['a range without max', { 5: '  lr: {min: 1e-2}' }, [], /expected a list of values, or both "min" and "max"/],
    ['a logarithm of zero', { 6: '  dropout: {min: 0, max: 0.5, log: true}' }, [], /expected more than 0 with "log: true"/],
    ['a range of words', { 5: '  schedule: {min: 1, max: 2}' }, [], /expected a list of values \(one of plateau/],
    ['a single searched value', { 5: '  lr: 0.001' }, [], /expected a list of values or \{min, max\}/],
    ['an option both fixed and searched', { 3: 'fixed: {lr: 0.1}' }, [], /expected each option once, fixed or searched/],
    [
      'a condition on nothing',
      { 5: '  lr: {min: 1e-4, max: 1e-2, when: {ema: 0.9}}' },
      [],
      /expected an option that is fixed or searched/,
    ],
    [
      'a circle of conditions',
      { 5: '  lr: {values: [0.1], when: {dropout: 0}}', 6: '  dropout: {values: [0, 0.1], when: {lr: 0.1}}' },
      [],
      /expected an option that does not depend on this one/,
    ],
    ['an unknown metric', {}, ['metric: val_cosin'], /p\.yaml:8: expected one of val_cosine, .* but received "val_cosin"/],
    ['a wrong direction', {}, ['direction: min'], /expected "max", because val_cosine is better when it is larger/],
    ['an unknown method', {}, ['method: grid'], /expected one of random, tpe, halving for "method"/],
    ['halving without its method', {}, ['halving: {max: 9}'], /expected no value without "method: halving"/],
    ['halving without max', {}, ['method: halving'], /expected the key "max"/],
    [
      'halving that sets a fixed option',
      {},
      ['method: halving', 'halving: {max: 9}'],
      /p\.yaml:3: expected no value, because "halving" sets it/,
    ],
    ['seeds that are equal', {}, ['seeds: [1, 1]'], /expected different integers/],
    ['runs that are no multiple of the seeds', {}, ['seeds: [1, 2, 3]'], /expected a multiple of 3/],
    ['nothing to keep', {}, ['keep: 0'], /expected a number of runs ≥ 1, or all/],
    ['a name with slashes', {}, ['name: a/b'], /expected a name of letters/],
    ['a number as a file', { 3: 'fixed: {val: 3}' }, [], /p\.yaml:3: expected .* for "fixed\.val" but received 3/],
    ['a fractional concurrency', {}, ['concurrency: 1.5'], /expected an integer from 1 to 64 for "concurrency"/],
  ]
  it.each(WRONG)('a plan with %s is refused', async (_, changes, more, message) => {
    await expect(read(changes, ...more)).rejects.toMatchObject({ code: 'BAD_OPTION', message: expect.stringMatching(message) })
  })
  it('an unknown key names the nearest known one', async () => {
    await expect(read({}, 'seedz: 3')).rejects.toMatchObject({ hint: 'did you mean "seed"?' })
    await expect(read({ 5: '  learning-rate: [0.1]', 3: 'fixed: {presett: tiny}' })).rejects.toMatchObject({
      hint: 'did you mean "preset"?',
    })
  })
  it('a missing, huge, deep or binary plan is refused', async () => {
    const write = (name: string, text: string | Uint8Array) => {
      writeFileSync(join(place('plans'), name), text)
      return readPlan(join(place('plans'), name))
    }
    await expect(readPlan(place('none.yaml'))).rejects.toMatchObject({ code: 'FILE_MISSING' })
    await expect(write('huge.yaml', '#'.repeat((1 << 20) + 1))).rejects.toThrow(/at most 1048576 bytes/)
    await expect(write('deep.yaml', `a: ${'['.repeat(100_000)}`)).rejects.toThrow(/nested levels/)
    await expect(write('binary.yaml', Uint8Array.of(0xff, 0xfe, 0x00))).rejects.toThrow(/UTF-8/)
    await expect(write('empty.yaml', '')).rejects.toThrow(/the file is empty/)
    await expect(write('bomb.yaml', `a: &a [1]\nb: &b [*a,*a]\nc: [*b,*b]\n`)).rejects.toThrow(/alias/)
  })
})

it('a plan may write a history as a number or a word, and the models that cannot read it are refused before anything is trained', async () => {
  const plan = await read({ 3: 'fixed: {preset: tiny, history: 12}' })
  expect(plan.spaces.lstm!.fixed).toMatchObject({ history: '12' })
  const lines = { 6: '  history: {values: [8, article]}\n  minHistory: {values: [8], when: {history: 8}}' }
  const { search } = (await read(lines)).spaces.lstm!
  expect(search.history!.domain).toEqual({ kind: 'list', values: ['8', 'article'] })
  expect(search.minHistory!.when).toEqual({ history: ['8'] })
  await expect(read({ 6: '  history: [8, "8"]' })).rejects.toThrow(/each value once/)
  await expect(read({ 6: '  history: [none]' })).rejects.toThrow(/article or a number of vectors/)

  const facts = await dataFacts(data)
  const { spaces } = await read({ 2: 'models: [linformer, mlp]', ...lines })
  expect(checkCombinations({ linformer: spaces.linformer! }, facts)).toEqual([])
  expect(checkCombinations({ mlp: spaces.mlp! }, facts)).toEqual([
    expect.stringMatching(
      new RegExp(`^mlp: \\d+ % of the combinations are skipped: .*at least ${facts.most}, because mlp reads`),
    ),
  ])
  const whole = (await read({ 2: 'models: [mlp]', 3: 'fixed: {history: article}' })).spaces
  expect(() => checkCombinations(whole, facts)).toThrow(/mlp reads exactly so many vectors/)
})

it('combinations that no model can have are refused before anything is trained, and some of them give a warning', async () => {
  const facts = await dataFacts(data)
  const some = await read({ 2: 'models: {transformer: {search: {heads: [3, 2], width: [8]}}}', 6: '' })
  expect(checkCombinations(some.spaces, facts)).toEqual([
    expect.stringMatching(/^transformer: \d+ % of the combinations are skipped: .*heads/),
  ])
  const none = await read({ 2: 'models: {transformer: {search: {heads: [3], width: [8]}}}', 6: '' })
  expect(() => checkCombinations(none.spaces, facts)).toThrow(
    /expected options that can be trained together for "models\.transformer"/,
  )
  const lone = await read({ 2: 'models: [lstm]', 5: '  warmup: [0.1]', 6: '' })
  expect(() => checkCombinations(lone.spaces, facts)).toThrow(/warmup/)
})

it('a wrong plan creates no folder', async () => {
  const plan = planFile(place('plans'), 'wrong', [...good(), 'metric: x'])
  await expect(experiment({ plan, out: place('wrong-out') })).rejects.toMatchObject({ code: 'BAD_OPTION' })
  await expect(
    experiment({ plan: planFile(place('plans'), 'gone', ['data: none.npy', ...good().slice(1)]), out: place('wrong-out') }),
  ).rejects.toMatchObject({ code: 'FILE_MISSING' })
  expect(existsSync(place('wrong-out'))).toBe(false)
})
