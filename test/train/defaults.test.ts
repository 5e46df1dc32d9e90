import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { wrapperFields } from '../../lib/spec/architecture.js'
import { configOf } from '../../lib/train/config-file.js'
import { plan } from '../../lib/train/recipe.js'
import { trainFields, trainFieldsOf } from '../../lib/train/train-fields.js'

const page = readFileSync(new URL('../../docs/options.md', import.meta.url), 'utf8')

describe.each(architectures.map((a) => [a.name, a] as const))('%s without options', (name, architecture) => {
  const planned = plan(name, { data: 'x.npy' })
  it('a training without options uses the defaults in its help', () => {
    const { data: _, ...used } = planned.train
    const shown = Object.fromEntries(Object.entries(trainFieldsOf(architecture)).map(([key, field]) => [key, field.default]))
    expect(shown).toEqual({ data: undefined, ...used })
  })
  it('config.json holds the eps and weights precision of the training', () => {
    const facts = { dim: 8, context: 5, parameters: 1, trainable: 1, device: 'cpu', threads: 1, emaRule: null }
    const { eps, weights } = planned.train
    expect(configOf(planned, {}, facts)).toMatchObject({ eps, weights })
  })
  it('defaults differ from the table of options only where the option text says so', () => {
    const said = (about: string, value: unknown) => expect(about).toContain(`${value}`)
    for (const [key, field] of Object.entries(trainFieldsOf(architecture))) {
      const { about, default: usual } = trainFields[key as keyof typeof trainFields]
      if (field.default !== usual) said(about, field.default)
      if (field.default !== usual) expect(page).toContain(about)
    }
    for (const [key, { about, default: usual }] of Object.entries(wrapperFields))
      if (architecture.fields[key]!.default !== usual) said(about, architecture.fields[key]!.default)
  })
})

describe.each([...trainFields.recipe.choices!])('the recipe %s', (recipe) => {
  it.each(architectures.map(({ name }) => name))('it can be planned for %s, with and without a history', (name) => {
    const { train, model, architecture } = plan(name, { data: 'x.npy', recipe })
    expect(train.recipe).toBe(recipe)
    expect(architecture.spec({ dim: 32, context: 5 }, { ...architecture.presets.tiny, ...model }).node.op).toBe('predictor')
    for (const own of [{ context: 20 }, { split: 'windows' }]) {
      const without = plan(name, { data: 'x.npy', recipe, ...own }).train
      expect(without).toMatchObject({ history: undefined, ...own })
    }
    expect(plan(name, { data: 'x.npy', recipe, history: '12', ema: 0 }).train).toMatchObject({ history: '12', ema: 0 })
  })
})

it('strong and retrieve read whole articles, once each where no position sees later ones', () => {
  const objective = (name: string, recipe: 'strong' | 'retrieve') => plan(name, { data: 'x.npy', recipe }).train
  expect(objective('gru', 'strong')).toMatchObject({ history: 'article', objective: 'sequence', loss: 'mse' })
  expect(objective('gru', 'retrieve')).toMatchObject({ history: 'article', objective: 'sequence', loss: 'contrastive' })
  expect(objective('mlp', 'strong').objective).toBe('sequence') // it reads the means alone
  expect(objective('linformer', 'strong').objective).toBe('last')
})
