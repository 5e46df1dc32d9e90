import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { withLock } from '../../lib/libtorch/lock.js'
import { deadPid, folder } from './fake.js'

const owner = (pid: number, host = hostname()) => JSON.stringify({ pid, host })
const nobody = () => {
  throw new Error('there is nobody to wait for')
}

test('is held while the work runs, names its holder, and is gone afterwards, also after a failure', async () => {
  const path = join(folder(), 'lock')
  await withLock(path, nobody, async () => expect(readFileSync(path, 'utf8')).toBe(owner(process.pid)))
  expect(existsSync(path)).toBe(false)
  const failing = withLock(path, nobody, async () => {
    throw new Error('the work')
  })
  await expect(failing).rejects.toThrow('the work')
  expect(existsSync(path)).toBe(false)
})

test('ten at once take turns', async () => {
  const path = join(folder(), 'lock')
  let inside = 0
  const turn = () =>
    withLock(
      path,
      () => {},
      async () => {
        inside++
        expect(inside).toBe(1)
        await sleep(2)
        inside--
      },
      1,
    )
  await Promise.all(Array.from({ length: 10 }, turn))
  expect(readdirSync(join(path, '..'))).toEqual([])
})

test('another living process is waited for; once it is killed its lock is taken over', async () => {
  const path = join(folder(), 'lock')
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  onTestFinished(() => void other.kill('SIGKILL'))
  writeFileSync(path, owner(other.pid!))
  const waited: string[] = []
  const mine = withLock(
    path,
    (who) => waited.push(who),
    async () => readFileSync(path, 'utf8'),
    5,
  )
  await sleep(50)
  expect(waited).toEqual([`process ${other.pid} on ${hostname()}`])
  other.kill('SIGKILL')
  await once(other, 'exit')
  expect(await mine).toBe(owner(process.pid))
})

test.each([
  ['of a dead process', owner(deadPid())],
  ['whose holder died before it wrote its name', ''],
])('a lock %s is taken over by exactly one of those who wait', async (_, content) => {
  const path = join(folder(), 'lock')
  writeFileSync(path, content)
  utimesSync(path, new Date(0), new Date(0))
  let inside = 0
  const turn = () =>
    withLock(
      path,
      () => {},
      async () => {
        inside++
        expect(inside).toBe(1)
        await sleep(2)
        inside--
      },
      1,
    )
  await Promise.all(Array.from({ length: 5 }, turn))
  expect(readdirSync(join(path, '..'))).toEqual([])
})

test('a process of another machine cannot be seen from here, and is waited for', async () => {
  const path = join(folder(), 'lock')
  writeFileSync(path, owner(deadPid(), 'elsewhere'))
  let waited = ''
  const mine = withLock(
    path,
    (who) => (waited = who),
    async () => true,
    5,
  )
  await sleep(50)
  expect(waited).toContain('on elsewhere')
  writeFileSync(path, owner(deadPid()))
  expect(await mine).toBe(true)
})
