import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { verifyRun } from '../../lib/checkpoint/run-store.js'
import { evaluate, load, train } from '../../lib/index.js'
import { comparable, historyOf, place } from '../train/runs.js'

/** A run of one epoch with averaged weights from before release 0.1.0, and its result after two more epochs of that version. */
const fixture = new URL('fixtures/earlier-version/', import.meta.url)
const read = async (name: string) => JSON.parse(await readFile(new URL(name, fixture), 'utf8'))
const data = place('base.npy')
const run = join(place('runs'), 'run')

beforeAll(async () => {
  for (const name of ['base.npy', 'base.jsonl', 'base.card.json']) await cp(new URL(name, fixture), place(name))
  await cp(new URL('run', fixture), run, { recursive: true })
})

/** Numbers of two JSON values must agree to 1e-5 and other values exactly; new keys of the later value are ignored. */
function expectAgreement(now: unknown, then: unknown, path = ''): void {
  if (typeof then === 'number' && !Number.isInteger(then)) {
    expect(Math.abs((now as number) - then), `${path}: ${now} beside ${then}`).toBeLessThanOrEqual(
      1e-5 * Math.max(1, Math.abs(then)),
    )
  } else if (then !== null && typeof then === 'object') {
    for (const [key, value] of Object.entries(then))
      expectAgreement((now as Record<string, unknown>)[key], value, `${path}.${key}`)
  } else expect(now, path).toEqual(then)
}

it('a run of an earlier version verifies, loads, and resumes and evaluates to the same numbers', async () => {
  await verifyRun(run)
  const model = await load(run)
  model.dispose()
  const options = { model: 'mlp', data, resume: true, epochs: 3, threads: 1, name: 'run', out: place('runs') } as const
  for await (const _ of train(options));
  const then = await read('resumed_history.json')
  expectAgreement(comparable(historyOf(run)), comparable(then))
  const { results } = await evaluate({ runs: [run], latency: 0, out: place('results') })
  const { cosine, cosine_centred, mse_raw, mse_unit, baselines, skill, n, articles } = (await read('resumed_results.json'))
    .runs[0]
  expectAgreement(results.runs[0], { cosine, cosine_centred, mse_raw, mse_unit, baselines, skill, n, articles })
})
