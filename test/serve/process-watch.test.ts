import type { ChildProcess } from 'node:child_process'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type KillReason, watchProcess } from '../../lib/serve/process-watch.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Time until a process with these signs is killed, and why; it reports its memory every second. Units: s */
function lifetime(o: { pending: number; longest: number; talks?: boolean }) {
  const signs = { silent: 0, unanswered: 0, ...o }
  let reason: KillReason | undefined
  const kill = vi.fn()
  const unwatch = watchProcess({ kill } as unknown as ChildProcess, signs, 60_000, (why) => {
    reason = why
  })
  let seconds = 0
  for (; reason === undefined && seconds < 1000; seconds++) {
    if (o.talks !== false) signs.silent = 0
    vi.advanceTimersByTime(1000)
  }
  expect(kill.mock.calls).toEqual(reason === undefined ? [] : [['SIGKILL']])
  unwatch()
  return { seconds, reason }
}

test('a process that does not finish its batch is killed after the limit', () => {
  const { seconds, reason } = lifetime({ pending: 1, longest: 5 })
  expect(reason).toBe('stuck')
  expect(seconds).toBeGreaterThan(59)
  expect(seconds).toBeLessThan(66)
})
test('a process may take 20 times as long as for its longest batch', () => {
  const { seconds, reason } = lifetime({ pending: 2, longest: 10_000 })
  expect(reason).toBe('stuck')
  expect(seconds).toBeGreaterThan(199)
  expect(seconds).toBeLessThan(206)
})
test('a process without work is not killed', () => {
  expect(lifetime({ pending: 0, longest: 5 })).toEqual({ seconds: 1000, reason: undefined })
})
test('a process that says nothing is killed after 10 s', () => {
  const { seconds, reason } = lifetime({ pending: 0, longest: 5, talks: false })
  expect(reason).toBe('silent')
  expect(seconds).toBeLessThan(14)
})
