import { expect, it } from 'vitest'
import { begin, exhaustedAt, journaledPlan } from '../../lib/experiment/begin.js'
import { readPlan } from '../../lib/experiment/read-plan.js'
import { place, vectorFile } from '../train/runs.js'
import { planFile } from './killed-experiment.js'

const planOf = async (data: string, ...lines: string[]) =>
  readPlan(planFile(place('plans'), 'begin', [`data: ${data}`, 'models: [mlp]', 'search: {lr: [0.1, 0.2]}', ...lines]))

it('a plan that could not train anything may be mended in its folder, and from the first attempt on it may not', async () => {
  const [data, folder] = [await vectorFile('begin'), place('begun')]
  const faulty = await planOf(data, 'budget: {runs: 9}')
  const mended = await planOf(data, 'budget: {runs: 2}', 'fixed: {split: windows}')
  const call = async (plan: typeof faulty) => {
    const journal = await begin(folder, plan, 'hash')
    journal.close()
    return journal
  }
  const journal = await begin(folder, faulty, 'hash')
  journal.append({ type: 'exhausted', configs: 2 })
  journal.close()
  const { entries } = await call(mended)
  expect(journaledPlan(entries)!.plan.spaces.mlp!.fixed).toEqual({ split: 'windows' })
  expect(exhaustedAt(entries)).toBeUndefined()
  const again = await begin(folder, mended, 'hash')
  again.append({ type: 'attempt', id: 'x', rung: 0, error: { code: 'SIGKILL', message: '' }, seconds: 1 })
  again.close()
  await expect(call(faulty)).rejects.toThrow(/spaces\.mlp\.fixed\.split: "windows" before, absent now/)
})
