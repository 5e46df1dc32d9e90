import { expect, test } from 'vitest'
import { run } from './run.js'

test('terminating workers during their work does not harm the process', async () => {
  expect(await run('storm.mjs', [2], 55_000)).toEqual({ code: 0, signal: null, out: 'still computes: 6\n', err: '' })
})
