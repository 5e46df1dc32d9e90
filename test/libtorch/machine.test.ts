import { describe, expect, test } from 'vitest'
import { limits, processor, system, tool, usableThreads } from '../../lib/libtorch/machine.js'
import { freeMemory, freeOnMac } from '../../lib/libtorch/memory.js'
import { files, folder } from './fake.js'

const at = (contents: Record<string, string>) => limits(files(folder(), contents))
const none = { cpus: null, memory_bytes: null }

describe('limits', () => {
  test('limits of cgroup v2 are the smallest of a group and its parents', () => {
    const found = at({
      'proc/self/cgroup': '0::/user.slice/run.scope\n',
      'sys/fs/cgroup/cgroup.controllers': 'cpu memory',
      'sys/fs/cgroup/user.slice/cpu.max': '150000 100000\n',
      'sys/fs/cgroup/user.slice/memory.max': 'max\n',
      'sys/fs/cgroup/user.slice/run.scope/cpu.max': 'max 100000\n',
      'sys/fs/cgroup/user.slice/run.scope/memory.max': '2147483648\n',
    })
    expect(found).toEqual({ cpus: 1.5, memory_bytes: 2 ** 31, cgroup: 2 })
  })

  test('limits of cgroup v2 in a container are read from the visible root of the hierarchy', () => {
    const found = at({
      'proc/self/cgroup': '0::/../../somewhere\n',
      'sys/fs/cgroup/cgroup.controllers': 'cpu memory',
      'sys/fs/cgroup/cpu.max': '200000 100000',
      'sys/fs/cgroup/memory.max': '1073741824',
    })
    expect(found).toEqual({ cpus: 2, memory_bytes: 2 ** 30, cgroup: 2 })
  })

  test('limits of cgroup v1 are read from the group of each controller', () => {
    const found = at({
      'proc/self/cgroup': '4:memory:/docker/a\n3:cpu,cpuacct:/docker/a\n',
      'sys/fs/cgroup/cpu/docker/a/cpu.cfs_quota_us': '50000',
      'sys/fs/cgroup/cpu/docker/a/cpu.cfs_period_us': '100000',
      'sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes': '536870912',
    })
    expect(found).toEqual({ cpus: 0.5, memory_bytes: 2 ** 29, cgroup: 1 })
  })

  test.each([
    [
      'cgroup v1 without a limit',
      {
        'proc/self/cgroup': '4:memory:/\n3:cpu:/',
        'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1',
        'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
        'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
      },
      1,
    ],
    [
      'cgroup v2 without a limit',
      { 'proc/self/cgroup': '0::/', 'sys/fs/cgroup/cgroup.controllers': '', 'sys/fs/cgroup/cpu.max': 'max 100000' },
      2,
    ],
    ['no cgroups at all', {}, null],
  ])('%s', (_, contents, cgroup) => expect(at(contents as Record<string, string>)).toEqual({ ...none, cgroup }))

  test('limits of nested groups are found where the mount table says that each hierarchy is mounted', () => {
    const found = at({
      'proc/self/cgroup': '5:cpu,cpuacct:/docker/a/b\n4:memory:/docker/a/b\n0::/docker/a/b\n',
      'proc/self/mountinfo': [
        '30 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
        '31 23 0:27 /docker/a /limits\\040of/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct',
        '32 23 0:28 /docker/a /groups/memory rw,relatime - cgroup cgroup rw,memory',
      ].join('\n'),
      'sys/fs/cgroup/unified/cgroup.controllers': '',
      'limits of/cpu/cpu.cfs_quota_us': '150000',
      'limits of/cpu/cpu.cfs_period_us': '100000',
      'limits of/cpu/b/cpu.cfs_quota_us': '-1',
      'limits of/cpu/b/cpu.cfs_period_us': '100000',
      'groups/memory/b/memory.limit_in_bytes': '1073741824',
    })
    expect(found).toEqual({ cpus: 1.5, memory_bytes: 2 ** 30, cgroup: 1 })
  })

  test('a quota of cgroup v2 applies beside a memory limit of cgroup v1', () => {
    const found = at({
      'proc/self/cgroup': '4:memory:/a\n0::/a\n',
      'proc/self/mountinfo': '30 23 0:26 / /two rw - cgroup2 cgroup2 rw\n32 23 0:28 / /one rw - cgroup cgroup rw,memory',
      'two/cgroup.controllers': 'cpu',
      'two/a/cpu.max': '50000 100000',
      'one/a/memory.limit_in_bytes': '1073741824',
    })
    expect(found).toEqual({ cpus: 0.5, memory_bytes: 2 ** 30, cgroup: 2 })
  })

  test.each([
    [0.5, 1],
    [1, 1],
    [1.05, 1],
    [1.5, 2],
    [2, 2],
    [7.9, 8],
    [64, 8],
  ])('a quota of %d processors starts %d threads on eight processors', (cpus, threads) =>
    expect(usableThreads({ ...none, cpus, cgroup: 2 }, 8)).toBe(threads),
  )

  test('usableThreads is 1 for half a processor, and all processors without a quota', () => {
    expect(usableThreads({ ...none, cpus: 0.5, cgroup: 1 })).toBe(1)
    expect(usableThreads({ ...none, cgroup: null })).toBeGreaterThanOrEqual(1)
  })
})

describe('free memory', () => {
  const gigabyte = 2 ** 30
  const free = (contents: Record<string, string>) =>
    freeMemory(
      files(folder(), { 'proc/meminfo': `MemTotal: ${64 * 2 ** 20} kB\nMemAvailable:   ${8 * 2 ** 20} kB\n`, ...contents }),
    )
  const linux = process.platform === 'linux'
  const stat = (prefix = '') =>
    `anon 1\n${prefix}inactive_file ${gigabyte / 2}\n${prefix}active_file ${gigabyte / 4}\nslab_reclaimable ${gigabyte / 8}\n`

  test.runIf(linux)('free memory is that of the machine when no control group limits it', () =>
    expect(free({})).toBe(8 * gigabyte),
  )
  test.runIf(linux)('free memory of cgroup v2 does not count reclaimable page cache as used', () => {
    const group = {
      'proc/self/cgroup': '0::/box\n',
      'sys/fs/cgroup/cgroup.controllers': 'memory',
      'sys/fs/cgroup/box/memory.max': String(2 * gigabyte),
      'sys/fs/cgroup/box/memory.current': String(gigabyte),
    }
    expect(free(group)).toBe(gigabyte)
    expect(free({ ...group, 'sys/fs/cgroup/box/memory.stat': stat() })).toBe((2 - 1 / 8) * gigabyte)
    expect(free({ ...group, 'sys/fs/cgroup/memory.max': String(gigabyte), 'sys/fs/cgroup/memory.current': '0' })).toBe(gigabyte)
    expect(free({ ...group, 'sys/fs/cgroup/box/memory.max': 'max' })).toBe(8 * gigabyte)
    expect(free({ ...group, 'sys/fs/cgroup/box/memory.current': String(3 * gigabyte) })).toBe(0)
  })
  test.runIf(linux)('free memory of cgroup v1 does not count reclaimable page cache as used', () => {
    const group = {
      'proc/self/cgroup': '4:memory:/box\n',
      'sys/fs/cgroup/memory/box/memory.limit_in_bytes': String(2 * gigabyte),
      'sys/fs/cgroup/memory/box/memory.usage_in_bytes': String(gigabyte),
      'sys/fs/cgroup/memory/box/memory.stat': stat('total_'),
    }
    expect(free(group)).toBe((2 - 1 / 4) * gigabyte)
  })
  test('free memory of macOS counts inactive and purgeable pages', () => {
    const text = `Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                                8000.
Pages active:                            400000.
Pages inactive:                          300000.
Pages speculative:                         1000.
Pages throttled:                              0.
Pages wired down:                        100000.
Pages purgeable:                          20000.
"Translation faults":                 123456789.
`
    expect(freeOnMac(text)).toBe(329_000 * 16_384)
    expect(freeOnMac('')).toBeUndefined()
  })
})

describe('this machine', () => {
  test('this machine reports a processor and a system', () => {
    expect(processor().cores).toBeGreaterThan(0)
    expect(system()).toMatchObject({ platform: process.platform, arch: process.arch })
  })
  test.runIf(process.platform === 'linux')('this machine reports its C library', () =>
    expect(system().libc).toMatch(/^(glibc 2\.\d+|musl)/),
  )
  test('tool returns the version of a program, or null when it is missing', () => {
    expect(tool(process.execPath)).toBe(process.version)
    expect(tool('no-such-program')).toBeNull()
  })
})
