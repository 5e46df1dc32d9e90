import { spawnSync } from 'node:child_process'
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

/** Makes a control group with a quota of one processor; undefined where this process may not. */
function group(): { folder: string; list: string } | undefined {
  for (const [root, files] of [
    ['/sys/fs/cgroup/cpu', { 'cpu.cfs_period_us': '100000', 'cpu.cfs_quota_us': '100000' }],
    ['/sys/fs/cgroup', { 'cpu.max': '100000 100000' }],
  ] as const) {
    const folder = join(root, `lvm-quota-${process.pid}`)
    try {
      mkdirSync(folder)
    } catch {
      continue
    }
    try {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
      return { folder, list: join(folder, 'cgroup.procs') }
    } catch {
      rmdirSync(folder)
    }
  }
  return undefined
}
const limited = process.platform === 'linux' ? group() : undefined
afterAll(() => limited && rmdirSync(limited.folder))

/** Runs a program that joins the group first; returns its output as JSON. */
function inside(program: string, env: Record<string, string | undefined> = {}): unknown {
  const url = (path: string) => new URL(`../../dist/lib/${path}.js`, import.meta.url).href
  const joins = `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(limited!.list)}, String(process.pid))`
  const all = `${joins}\nconst { native } = await import('${url('native')}')\nconst { useThreads } = await import('${url('torch/device')}')\nconsole.log(JSON.stringify(${program}))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', all], {
    encoding: 'utf8',
    env: { ...process.env, OMP_NUM_THREADS: undefined, ...env },
  })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}

test.runIf(limited)('under a quota of one processor libtorch computes with one thread, whoever asks for none', () => {
  expect(inside('[native.threads(), useThreads(undefined), native.threads()]')).toEqual([1, 1, 1])
})
test.runIf(limited)('a number of threads that is asked for holds under a quota too', () => {
  expect(inside('[native.threads(), useThreads(2)]', { OMP_NUM_THREADS: '3' })).toEqual([3, 2])
})
