import { expect } from 'vitest'
import type { Control } from '../lib/index.js'
import { refused } from './files/fixture.js'

/** Requires that a call stops at its first stage after an abort, and that one with an aborted signal does not begin. */
export async function expectStops(call: (control: Control) => Promise<unknown>): Promise<void> {
  const controller = new AbortController()
  let later = 0
  const onProgress = () => {
    if (controller.signal.aborted) later++
    controller.abort()
  }
  await refused('INTERRUPTED', call({ signal: controller.signal, onProgress }))
  expect(later).toBe(0)
  await refused('INTERRUPTED', call({ signal: AbortSignal.abort() }))
}
