import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { alive, isOpenHere, thisProcess } from '../../lib/files/holder.js'
import { lockHolder, lockRun } from '../../lib/files/lock.js'
import { tempFolder } from '../checkpoint/run.js'

const real = process.platform
afterEach(() => void Object.defineProperty(process, 'platform', { value: real }))

describe.skipIf(real === 'win32')('where there is no /proc, a holder', () => {
  it('without /proc a holder is identified by its start time, so a reused pid counts as another process', async () => {
    Object.defineProperty(process, 'platform', { value: 'darwin' })
    const me = await thisProcess()
    expect(me.process_start).toMatch(/^\w+ \w+ +\d+ \d\d:\d\d:\d\d \d{4}$/)
    expect(await alive(me, me)).toBe(true)
    expect(await alive({ ...me, process_start: 'Mon Jan  1 00:00:00 2024' }, me)).toBe(false)
    const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
    await once(child, 'close')
    expect(await alive({ ...me, pid: child.pid! }, me)).toBe(false)
  })
})

it('isOpenHere is true while a descriptor of the file is open, even after a rename', async () => {
  const path = join(await tempFolder(), 'a')
  writeFileSync(path, '')
  expect(isOpenHere(path)).toBe(false)
  const file = openSync(path, 'r')
  renameSync(path, `${path}b`)
  expect(isOpenHere(`${path}b`)).toBe(true)
  closeSync(file)
  expect(isOpenHere(`${path}b`)).toBe(false)
})

it('the lock of a terminated worker thread is void, and that of a running thread is valid', async () => {
  const folder = join(await tempFolder(), 'run')
  const lock = new URL('../../dist/lib/files/lock.js', import.meta.url).href
  const code = `import(${JSON.stringify(lock)}).then(({ lockRun }) => lockRun(${JSON.stringify(folder)})).then(() => {
    require('node:worker_threads').parentPort.postMessage('held')
    setInterval(() => {}, 1000)
  })`
  const worker = new Worker(code, { eval: true })
  await once(worker, 'message')
  expect(await lockHolder(folder)).toMatchObject({ pid: process.pid })
  await expect(lockRun(folder)).rejects.toMatchObject({ code: 'RUN_LOCKED', message: expect.stringContaining('this process') })
  await worker.terminate()
  expect(await lockHolder(folder)).toBeUndefined()
  const mine = await lockRun(folder)
  await expect(lockRun(folder)).rejects.toMatchObject({ code: 'RUN_LOCKED' })
  await mine.release()
  expect(readdirSync(folder)).toEqual([])
})
