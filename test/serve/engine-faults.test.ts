import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { code, contexts, DIM, folderOfFile, SAMPLE, trainTiny, vectors, type Watched, watch, within } from './served-run.js'

const out = folderOfFile()
let run: string
beforeAll(async () => {
  run = await trainTiny(out, 'gru')
})

async function serving<T>(o: Parameters<typeof watch>[1], use: (served: Watched) => Promise<T>): Promise<T> {
  const served = await watch(run, o)
  try {
    return await use(served)
  } finally {
    await served.engine.close()
  }
}
const isRunning = (pid: number) => {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}
async function until(holds: () => boolean, ms = 5000): Promise<void> {
  const end = performance.now() + ms
  while (!holds() && performance.now() < end) await new Promise((done) => setTimeout(done, 5))
  expect(holds()).toBe(true)
}
/** Sends requests from several clients until `stopped`, and counts the answers by error code. */
function load({ engine }: Watched, clients: number) {
  let running = true
  const seen: Record<string, number> = {}
  const all = Array.from({ length: clients }, async (_, i) => {
    while (running) {
      const answer = await engine.predict(contexts(1, i), within(5000)).then(
        () => 'OK',
        (error) => error.code as string,
      )
      seen[answer] = (seen[answer] ?? 0) + 1
    }
  })
  return {
    seen,
    async stop() {
      running = false
      await Promise.all(all)
    },
  }
}

test('after kill -9 under load only the requests in the process fail, and answers come again within 3 s', () =>
  serving({}, async (served) => {
    const { engine, of } = served
    const clients = load(served, 24)
    for (let kills = 1; kills <= 3; kills++) {
      await until(() => (clients.seen.OK ?? 0) > 50 * kills)
      const before = engine.gauges.pid!
      process.kill(before, 'SIGKILL')
      await until(() => of('restarted').length === kills)
      expect(of('restarted').at(-1)!.seconds).toBeLessThan(3)
      expect(engine.gauges.pid).not.toBe(before)
    }
    await clients.stop()
    expect(Object.keys(clients.seen).sort()).toEqual(['OK', 'UNAVAILABLE'])
    const faults = of('fault')
    expect(faults.map(({ exit, signal }) => [exit, signal])).toEqual(Array(3).fill([null, 'SIGKILL']))
    expect(clients.seen.UNAVAILABLE).toBe(faults.reduce((sum, { lost }) => sum + lost, 0))
    expect(clients.seen.UNAVAILABLE).toBeLessThanOrEqual(3 * 2 * 8) // two batches of 8
  }))

test('a request that comes during a restart waits for it, but not beyond its deadline', () =>
  serving({}, async ({ engine }) => {
    process.kill(engine.gauges.pid!, 'SIGSEGV')
    await until(() => engine.state === 'restarting')
    expect(engine.gauges.pid).toBeNull()
    const [brief, patient] = await Promise.allSettled([
      engine.predict(contexts(1), within(20)),
      engine.predict(contexts(1), within(5000)),
    ])
    expect(brief).toMatchObject({ reason: code('DEADLINE') })
    expect(patient.status).toBe('fulfilled')
    expect(engine.state).toBe('ready')
  }))

test('while a process cannot start again requests are refused, and it serves again when the run is back', () =>
  serving({}, async ({ engine, of }) => {
    renameSync(run, `${run}-away`)
    try {
      process.kill(engine.gauges.pid!, 'SIGKILL')
      await until(() => engine.state === 'restarting')
      await expect(engine.predict(contexts(1), within(5000))).rejects.toEqual(code('UNAVAILABLE'))
      await expect(engine.predict(contexts(1), within(5000))).rejects.toThrow(/failed: .*gru/)
      expect(engine.gauges.retryAfter).toBeGreaterThanOrEqual(1)
    } finally {
      renameSync(`${run}-away`, run)
    }
    await until(() => of('restarted').length === 1, 10_000)
    await engine.predict(contexts(1), within(5000))
  }))

test('a process is not started again with weights that have changed on disk', async () => {
  const own = await trainTiny(out, 'gru', { name: 'changing' })
  const { engine } = await watch(own)
  await trainTiny(out, 'gru', { name: 'changing', seed: 7, overwrite: true })
  process.kill(engine.gauges.pid!, 'SIGKILL')
  await until(() => engine.state === 'restarting')
  await expect(engine.predict(contexts(1), within(5000))).rejects.toThrow(/it has changed/)
  await engine.close()
})

test('a process that the system ends before it is ready gives a clear error', async () => {
  const opening = watch(run)
  await until(() => children().length > 0)
  for (const pid of children()) process.kill(pid, 'SIGKILL')
  await expect(opening).rejects.toThrow(/ended by SIGKILL before it was ready/)
})
const children = () =>
  execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes('engine-child'))
    .map((line) => Number.parseInt(line, 10))

test('a process whose batch takes longer than the limit is killed, its requests fail, and the next one answers', () =>
  serving({ batchLimit: 200 }, async ({ engine, of }) => {
    await engine.predict(contexts(1), within(5000))
    const context = 60_000 // computed for seconds, while the process goes on reporting its memory
    const endless = { contexts: new Float32Array(context * DIM).fill(DIM ** -0.5), batch: 1, context }
    const answer = engine.predict(endless, within(600_000))
    await expect(answer).rejects.toThrow(/was killed because a batch took too long/)
    await expect(answer).rejects.toEqual(code('UNAVAILABLE'))
    expect(of('fault')).toEqual([{ type: 'fault', exit: null, signal: 'SIGKILL', reason: 'stuck', lost: 1 }])
    await engine.predict(contexts(1), within(5000))
    expect(of('fault')).toHaveLength(1)
  }))

test('a warning of the process is an event, once over all restarts', async () => {
  const before = process.env.OMP_NUM_THREADS
  process.env.OMP_NUM_THREADS = '7'
  try {
    await serving({}, async ({ engine, of }) => {
      process.kill(engine.gauges.pid!, 'SIGKILL')
      await until(() => of('restarted').length === 1)
      await engine.predict(contexts(1), within(5000))
      expect(of('warning').map(({ message }) => message)).toEqual([
        `OMP_NUM_THREADS=7 is overruled: ${run} is served with 1 of the 1 threads that it was trained with; set "threads" instead`,
      ])
    })
  } finally {
    if (before === undefined) delete process.env.OMP_NUM_THREADS
    else process.env.OMP_NUM_THREADS = before
  }
})

test('drain finishes the accepted requests, refuses new ones and leaves no process', async () => {
  const { engine } = await watch(run, { maxBatch: 1 })
  const pid = engine.gauges.pid!
  const session = await engine.openSession(within(5000))
  const accepted = [
    ...Array.from({ length: 20 }, (_, i) => engine.predict(contexts(2, i), within(5000))),
    engine.rollout(contexts(1), 6, within(5000)),
    engine.feed(session, vectors(1), within(5000)),
  ]
  const drained = engine.drain()
  expect(engine.state).toBe('closed')
  await expect(engine.predict(contexts(1), within(5000))).rejects.toEqual(code('UNAVAILABLE'))
  expect(await Promise.all(accepted)).toHaveLength(22)
  await drained
  expect(isRunning(pid)).toBe(false)
})

test('close fails the accepted requests and leaves no process', async () => {
  const { engine } = await watch(run, { maxBatch: 1 })
  const pid = engine.gauges.pid!
  const accepted = Array.from({ length: 20 }, (_, i) => engine.predict(contexts(2, i), within(5000)))
  const outcomes = Promise.allSettled(accepted)
  await engine.close()
  expect((await outcomes).filter(({ status }) => status === 'rejected').length).toBeGreaterThan(10)
  expect(isRunning(pid)).toBe(false)
  await engine.close()
})

test('close during a restart leaves no process', async () => {
  const { engine } = await watch(run)
  process.kill(engine.gauges.pid!, 'SIGKILL')
  await until(() => children().length > 0 && engine.state === 'restarting')
  await engine.close()
  expect(children()).toEqual([])
})

test('the inference process ends by itself when its server is killed, and ignores Ctrl-C and SIGTERM', async () => {
  const script = `
    import { openEngine } from '${join(process.cwd(), 'dist/lib/serve/engine.js')}'
    const engine = await openEngine({ run: process.argv[1], device: 'cpu', deterministic: false, maxBatch: 8, batchDelay: 0,
      maxQueue: 64, batchLimit: 60000, maxSessions: 1, sessionIdle: 60, observe() {} })
    console.log(engine.gauges.pid)
    setInterval(() => {}, 1000)`
  const server = spawn(process.execPath, ['--input-type=module', '-e', script, run], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(server.stdout, 'data')) as [Buffer]
  const pid = Number(line.toString())
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(pid, signal)
  await new Promise((done) => setTimeout(done, 100))
  expect(isRunning(pid)).toBe(true)
  server.kill('SIGKILL')
  await until(() => !isRunning(pid))
})

test('an engine with a bank restarts with it', () =>
  serving({ bank: SAMPLE }, async ({ engine, of }) => {
    process.kill(engine.gauges.pid!, 'SIGKILL')
    await until(() => of('fault').length === 1)
    const found = await engine.retrieve(contexts(1), { k: 2, exclude: new Int32Array(0) }, within(5000))
    expect(found[0]).toHaveLength(2)
  }))
