import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { withLock } from '../../lib/files/wait-for-lock.js'
import { deadPid, folder } from '../libtorch/fake.js'

/** Text of a lock file of an earlier version. */
const owner = (pid: number, host = hostname()) => JSON.stringify({ pid, host })
const pidIn = (path: string) => JSON.parse(readFileSync(path, 'utf8')).pid
const nobody = () => {
  throw new Error('there is nobody to wait for')
}

test('withLock holds a lock that names its holder during the work, and removes it afterwards even on failure', async () => {
  const place = folder()
  const path = join(place, 'lock')
  await withLock(place, nobody, async () => expect(pidIn(path)).toBe(process.pid))
  expect(existsSync(path)).toBe(false)
  const failing = withLock(place, nobody, async () => {
    throw new Error('the work')
  })
  await expect(failing).rejects.toThrow('the work')
  expect(existsSync(path)).toBe(false)
})

/** Concurrent calls, of which only one may work at a time. */
async function takeTurns(place: string, calls: number): Promise<void> {
  let inside = 0
  const turn = () =>
    withLock(
      place,
      () => {},
      async () => {
        inside++
        expect(inside).toBe(1)
        await sleep(2)
        inside--
      },
      { every: 1 },
    )
  await Promise.all(Array.from({ length: calls }, turn))
}

test('ten concurrent withLock calls take turns', async () => {
  const place = folder()
  const path = join(place, 'lock')
  await takeTurns(place, 10)
  expect(readdirSync(join(path, '..'))).toEqual([])
})

test('withLock waits for a running process and takes over its lock once it is killed', async () => {
  const place = folder()
  const path = join(place, 'lock')
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  onTestFinished(() => void other.kill('SIGKILL'))
  writeFileSync(path, owner(other.pid!))
  const waited: string[] = []
  const mine = withLock(
    place,
    (who) => waited.push(who),
    async () => pidIn(path),
    { every: 5 },
  )
  await expect.poll(() => waited).toEqual([`process ${other.pid} on ${hostname()}`])
  other.kill('SIGKILL')
  await once(other, 'exit')
  expect(await mine).toBe(process.pid)
})

test.each([
  ['of a dead process', owner(deadPid())],
  ['whose holder died before it wrote its name', ''],
])('a lock %s is taken over by exactly one of the waiting calls', async (_, content) => {
  const place = folder()
  const path = join(place, 'lock')
  writeFileSync(path, content)
  utimesSync(path, new Date(0), new Date(0))
  await takeTurns(place, 5)
  expect(readdirSync(join(path, '..'))).toEqual([])
})

test('withLock waits for a process of another machine, whose state is unknown', async () => {
  const place = folder()
  const path = join(place, 'lock')
  writeFileSync(path, owner(deadPid(), 'elsewhere'))
  let waited = ''
  const mine = withLock(
    place,
    (who) => (waited = who),
    async () => true,
    { every: 5 },
  )
  await sleep(50)
  expect(waited).toContain('on elsewhere')
  writeFileSync(path, owner(deadPid()))
  expect(await mine).toBe(true)
})

test('withLock gives up on a lock that is never released with an error that names its holder', async () => {
  const place = folder()
  writeFileSync(join(place, 'lock'), owner(process.ppid))
  const mine = withLock(
    place,
    () => {},
    async () => true,
    { every: 5, timeout: 40 },
  )
  await expect(mine).rejects.toMatchObject({ code: 'RUN_LOCKED', message: expect.stringContaining(`process ${process.ppid}`) })
})
