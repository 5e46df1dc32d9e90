import { expect, test } from 'vitest'
import { run } from './run.js'

test('workers that are cut off in the middle of their work take nothing down with them', async () => {
  expect(await run('storm.mjs', [2], 55_000)).toEqual({ code: 0, signal: null, out: 'still computes: 6\n', err: '' })
})
