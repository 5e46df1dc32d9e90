import { spawn } from 'node:child_process'
import { cpus } from 'node:os'
import { describe, expect, test } from 'vitest'
import { busyNote, busyNotes, isBusy, watchCpuShare } from '../../lib/libtorch/cpu-share.js'
import { files, folder } from './fake.js'

interface Moment {
  /** Seconds: of this process, waiting of its threads, of all processes, stolen, without quota. */
  readonly own: number
  readonly waits: readonly number[]
  readonly busy: number
  readonly stolen?: number
  readonly throttled?: number
  readonly idle?: number
  readonly children?: number
}

/** Files of /proc and of a control group at one moment. */
const at = (root: string, { waits, busy, stolen = 0, throttled = 0, idle = 0, children = 0 }: Moment) =>
  files(root, {
    ...Object.fromEntries(waits.map((wait, i) => [`proc/self/task/${10 + i}/schedstat`, `123 ${wait * 1e9} 7\n`])),
    'proc/stat': `cpu  ${busy * 100} 0 0 ${idle * 100} 0 0 0 ${stolen * 100} 0 0\ncpu0 1 1 1 1 0 0 0 0 0 0\n`,
    'proc/self/stat': `7 (a (b) c) S ${'1 '.repeat(12)}${60 * children} ${40 * children} 20 0\n`,
    'proc/self/cgroup': '0::/a\n',
    'sys/fs/cgroup/cgroup.controllers': 'cpu',
    'sys/fs/cgroup/a/cpu.stat': `nr_throttled 1\nthrottled_usec ${throttled * 1e6}\n`,
  })

function share(before: Moment, after: Moment): number | null {
  const root = at(folder(), before)
  let own = before.own
  const watch = watchCpuShare(root, () => own)
  at(root, after)
  own = after.own
  return watch()
}
const start: Moment = { own: 1, waits: [5, 7], busy: 100 }

describe('the share of the processor time', () => {
  test.each<[string, Moment, number]>([
    ['nobody waited', { own: 11, waits: [5, 7], busy: 110.2 }, 1],
    ['others took a third', { own: 11, waits: [7, 10], busy: 130 }, 2 / 3],
    ['a thread began in the meantime', { own: 11, waits: [5, 7, 10], busy: 130 }, 1 / 2],
    ['threads waited only for each other', { own: 11, waits: [10, 12], busy: 110.2 }, 1],
    ['threads waited only for child processes', { own: 11, waits: [10, 12], busy: 150.2, children: 40 }, 1],
    ['others computed beside child processes', { own: 11, waits: [10, 12], busy: 200, children: 40 }, 1 / 2],
    ['the quota was used up', { own: 11, waits: [10, 12], busy: 110.2, throttled: 2.5 }, 10 / 12.5],
    ['the hypervisor took a fifth', { own: 11, waits: [5, 7], busy: 110, stolen: 2.5 }, 0.8],
  ])('when %s', (_, after, expected) => expect(share(start, after)).toBeCloseTo(expected, 6))

  test('a process that has not computed has no share', () =>
    expect(share(start, { own: 1, waits: [5, 9], busy: 120 })).toBeNull())

  test.each([
    [20, 1],
    [5, null],
  ])('without counters of waiting, %d idle seconds of 100 mean a share of %s', (idle, expected) => {
    const none = { ...start, waits: [] }
    expect(share(none, { own: 11, waits: [], busy: 200 - idle, idle })).toBe(expected)
  })
})

test('the note names the share of the busiest timing, and quiet or unknown ones have none', () => {
  expect(busyNote(0.629)).toBe('measured on a busy machine: this process got 62 % of the processor time that it was ready to use')
  expect([busyNote(0.95), busyNote(null), busyNote(undefined)]).toEqual([undefined, undefined, undefined])
  expect([isBusy(0.89), isBusy(0.9), isBusy(null)]).toEqual([true, false, false])
  expect(busyNotes([0.95, null, 0.5, 0.7, undefined])).toEqual([busyNote(0.5)])
  expect(busyNotes([0.95, null])).toEqual([])
})

test.runIf(process.platform === 'linux')('a loop on every processor, three times over, makes this machine busy', async () => {
  const loops = Array.from({ length: 3 * cpus().length }, () => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }))
  try {
    await new Promise((done) => setTimeout(done, 300))
    const watch = watchCpuShare()
    for (const end = performance.now() + 1500; performance.now() < end; ) Math.sqrt(end)
    expect(isBusy(watch())).toBe(true)
  } finally {
    for (const loop of loops) loop.kill('SIGKILL')
  }
})
