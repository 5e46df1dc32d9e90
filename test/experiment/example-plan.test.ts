import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { checkCombinations, dataFacts } from '../../lib/experiment/data-facts.js'
import { readPlan } from '../../lib/experiment/read-plan.js'
import { experiment } from '../../lib/index.js'
import { place } from '../train/runs.js'
import { planFile } from './killed-experiment.js'

const example = new URL('../../examples/experiment.yaml', import.meta.url).pathname

it('the plan in examples/ is accepted, and its first run can be trained', async () => {
  const plan = await readPlan(example)
  expect(checkCombinations(plan.spaces, await dataFacts(plan.data))).toEqual([])
  expect(plan.spaces.lstm!.search).toHaveProperty('layers')
  const lines = readFileSync(example, 'utf8')
    .split('\n')
    .map((line) => line.replace(/^confirm:.*/, 'confirm: {top: 0}').replace(/^data:.*/, `data: ${plan.data}`))
  const { report } = await experiment({ plan: planFile(place('plans'), 'example', lines), out: place('example'), runs: 1 })
  expect(report.runs[0]).toMatchObject({ state: 'done', seed: 0 })
})
it('the plan in docs/experiments.md is accepted', async () => {
  const page = readFileSync(new URL('../../docs/experiments.md', import.meta.url), 'utf8')
  const text = /```yaml\n([\s\S]*?)```/.exec(page)![1]!.replace('../data/', `${new URL('../../data/', import.meta.url).pathname}`)
  const plan = await readPlan(planFile(place('plans'), 'docs', text.split('\n')))
  expect(Object.keys(plan.spaces)).toEqual(['lstm', 'gru'])
})
