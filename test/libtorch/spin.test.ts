import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

const NAMES = ['GOMP_SPINCOUNT', 'KMP_BLOCKTIME', 'OMP_WAIT_POLICY'] as const
type Variables = Partial<Record<(typeof NAMES)[number], string>>

/** Environment variables of a program after it loads libtorch, in itself or in a worker thread, and those of its children. */
function seen(given: Variables, inWorker = false): { here: Variables; child: Variables } {
  const list = JSON.stringify(NAMES)
  const all = `Object.fromEntries(${list}.flatMap((n) => process.env[n] === undefined ? [] : [[n, process.env[n]]]))`
  const load = `import { native } from ${JSON.stringify(new URL('../../dist/lib/native.js', import.meta.url).href)}\nnative.threads()`
  const worker = `import { Worker } from 'node:worker_threads'
    const worker = new Worker(new URL(${JSON.stringify(`data:text/javascript,${encodeURIComponent(load)}`)}))
    await new Promise((done, fail) => worker.on('exit', done).on('error', fail))`
  const child = `import { spawnSync } from 'node:child_process'
    const child = spawnSync(process.execPath, ['-p', ${JSON.stringify(`JSON.stringify(${all})`)}], { encoding: 'utf8' })
    console.log(JSON.stringify({ here: ${all}, child: JSON.parse(child.stdout) }))`
  const env = { ...process.env, ...given }
  for (const name of NAMES) if (given[name] === undefined) delete env[name]
  const program = `${inWorker ? worker : load}\n${child}`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', env })
  if (stderr !== '') throw new Error(stderr)
  return JSON.parse(stdout)
}

test('loading libtorch limits the spin time of idle OpenMP threads in this process and its children', () => {
  const short = { GOMP_SPINCOUNT: '3000', KMP_BLOCKTIME: '1' }
  expect(seen({})).toEqual({ here: short, child: short })
})

test('loading libtorch in a worker thread limits the spin time for the whole process, although its environment is a copy', () => {
  expect(seen({}, true).here).toMatchObject({ GOMP_SPINCOUNT: '3000' })
})

test.runIf(process.platform === 'linux')('the OpenMP of libtorch reads the short spin time when it loads', () => {
  const load = `import { native } from ${JSON.stringify(new URL('../../dist/lib/native.js', import.meta.url).href)}\nnative.threads()`
  const { GOMP_SPINCOUNT, KMP_BLOCKTIME, OMP_WAIT_POLICY, ...env } = process.env
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', load], {
    encoding: 'utf8',
    env: { ...env, OMP_DISPLAY_ENV: 'verbose' },
  })
  expect(stderr).toMatch(/GOMP_SPINCOUNT = '3000'/)
})

test.each<Variables>([{ GOMP_SPINCOUNT: '7' }, { KMP_BLOCKTIME: '200' }, { OMP_WAIT_POLICY: 'ACTIVE' }])(
  'loading libtorch keeps the spin settings of the user: %o',
  (given) => {
    expect(seen(given)).toEqual({ here: given, child: given })
  },
)
