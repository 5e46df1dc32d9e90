import { join } from 'node:path'
import { expect, it } from 'vitest'
import { historyOf, json, place, SPECIFIED_CONFIG, trained, vectorFile } from '../train/runs.js'

it('train without options runs 20 epochs with the hyper-parameters of the specification', async () => {
  const data = await vectorFile('base')
  await trained({ model: 'lstm', data, out: place('runs') })
  const { threads, device, ...config } = json<Record<string, unknown>>(place('runs/lstm_baseline'), 'config.json')
  expect(config).toEqual({ ...SPECIFIED_CONFIG, data })
  expect(historyOf(join(place('runs'), 'lstm_baseline')).history).toHaveLength(21)
})
