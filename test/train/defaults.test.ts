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
    const facts = { dim: 8, context: 5, parameters: 1, device: 'cpu', threads: 1, emaRule: null }
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
