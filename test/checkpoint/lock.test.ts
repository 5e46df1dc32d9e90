import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { openStore } from '../../lib/checkpoint/run-store.js'
import { thisProcess } from '../../lib/files/holder.js'
import { lockHolder, lockRun } from '../../lib/files/lock.js'
import { type Child, start } from './processes.js'
import { refusal, runOf, tempFolder } from './run.js'

/** Process id of an ended process. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await new Promise((resolve) => child.on('close', resolve))
  return child.pid!
}
const lockText = async (change: object) => `${JSON.stringify({ ...(await thisProcess()), ...change, token: 'old' })}\n`

describe('a lock', () => {
  it('a lock refuses a second writer, and names the holder and the time', async () => {
    const folder = await runOf(1)
    const child = start('lock', folder)
    child.process.stdin!.write('go')
    await child.line(/held/)
    const error = await refusal(openStore(folder))
    expect(error).toMatchObject({ code: 'RUN_LOCKED', exit: 2 })
    expect(error.message).toMatch(new RegExp(`lstm_baseline: .*process ${child.process.pid} has been writing it since 20..-`))
    expect(await lockHolder(folder)).toMatchObject({ pid: child.process.pid })
    await child.kill()
    expect(await lockHolder(folder)).toBeUndefined()
    await (await openStore(folder)).close()
    expect(readdirSync(folder)).not.toContain('lock')
  })
  it('a lock file that is a folder or a pipe is refused without waiting', { timeout: 10_000 }, async () => {
    const pipe = (path: string) => execFileSync('mkfifo', [path])
    for (const make of [(path: string) => mkdirSync(path), ...(process.platform === 'win32' ? [] : [pipe])]) {
      const folder = await runOf(1)
      make(join(folder, 'lock'))
      expect(await refusal(openStore(folder))).toMatchObject({ code: 'FILE_ACCESS', exit: 2 })
      expect(await lockHolder(folder)).toBeUndefined()
    }
  })
  it('a lock refuses the same process too, until it is released', async () => {
    const folder = join(await tempFolder(), 'run')
    const lock = await lockRun(folder)
    expect((await refusal(lockRun(folder))).message).toContain('this process')
    await lock.release()
    await lock.release()
    const next = await lockRun(folder)
    await lock.release()
    expect(readdirSync(folder)).toEqual(['lock'])
    await next.release()
    expect(readdirSync(folder)).toEqual([])
  })
  it.each([
    ['an ended process', async () => ({ pid: await deadPid() })],
    ['a reused process id', async () => ({ process_start: '1' })],
    ['a restarted machine', async () => ({ boot_id: 'another' })],
  ])('a lock of %s is taken over', async (_, change) => {
    const folder = await tempFolder()
    writeFileSync(join(folder, 'lock'), await lockText(await change()))
    expect(await lockHolder(folder)).toBeUndefined()
    await lockRun(folder)
    expect(readdirSync(folder)).toEqual(['lock'])
    expect(await lockHolder(folder)).toMatchObject({ pid: process.pid })
  })
  it.skipIf(process.platform !== 'linux')('a lock of a zombie process is taken over', async () => {
    const folder = await tempFolder()
    const parent = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 20'], { stdio: ['ignore', 'pipe', 'ignore'] })
    const pid = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)))
    await sleep(500)
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') Z ')
    const start = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[21]
    writeFileSync(join(folder, 'lock'), await lockText({ pid, process_start: start }))
    const lock = await lockRun(folder)
    await lock.release()
    parent.kill()
  })
  it.each([
    ['another machine', { host: 'elsewhere', boot_id: 'another' }],
    ['another container', { pid_namespace: 'pid:[1]' }],
  ])('a lock of %s is respected, and the hint names the file', async (_, change) => {
    const folder = await tempFolder()
    writeFileSync(join(folder, 'lock'), await lockText({ pid: await deadPid(), ...change }))
    const error = await refusal(lockRun(folder))
    expect(error.code).toBe('RUN_LOCKED')
    expect(error.hint).toContain(join(folder, 'lock'))
  })
  it('locking a file or a path below a file fails with an error', async () => {
    const folder = await tempFolder()
    writeFileSync(join(folder, 'file'), '')
    for (const path of [join(folder, 'file'), join(folder, 'file/below')]) {
      const error = await refusal(openStore(path))
      expect(error).toMatchObject({ code: 'BAD_OPTION', exit: 2 })
      expect(error.message).toContain(path)
    }
  })
  it('an empty lock counts as held unless it is old', async () => {
    const folder = await tempFolder()
    const lock = join(folder, 'lock')
    writeFileSync(lock, '')
    expect((await refusal(lockRun(folder))).code).toBe('RUN_LOCKED')
    utimesSync(lock, new Date(0), new Date(0))
    await lockRun(folder)
    expect(statSync(lock).size).toBeGreaterThan(0)
  })
  it('a lock whose takeover was interrupted by a death is taken over by the next process', async () => {
    const folder = await tempFolder()
    const { textHash } = await import('../../lib/files/hash.js')
    const dead = await Promise.all([1, 2].map(async (n) => lockText({ pid: await deadPid(), started: String(n) })))
    writeFileSync(join(folder, 'lock'), dead[0]!)
    writeFileSync(join(folder, `lock.${textHash(dead[0]!).slice(0, 16)}`), dead[1]!)
    await lockRun(folder)
    expect(readdirSync(folder)).toEqual(['lock'])
    expect(JSON.parse(readFileSync(join(folder, 'lock'), 'utf8')).pid).toBe(process.pid)
  })
  it('a lock of a dead process goes to exactly one of many concurrent attempts', async () => {
    for (let round = 0; round < 40; round++) {
      const folder = await tempFolder()
      writeFileSync(join(folder, 'lock'), await lockText({ pid: 4194305 }))
      const tries = Array.from({ length: 8 }, async (_, i) => {
        await sleep(i * (round % 5))
        return lockRun(folder)
      })
      const results = await Promise.allSettled(tries)
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(readdirSync(folder)).toEqual(['lock'])
    }
  })
  it('a lock of a dead process goes to exactly one of 8 processes', { timeout: 60_000 }, async () => {
    const folder = await tempFolder()
    const children = Array.from({ length: 8 }, () => start('lock', folder))
    const all = (each: (child: Child) => Promise<unknown>) => Promise.all(children.map(each))
    await all((child) => child.line(/ready/))
    writeFileSync(join(folder, 'lock'), await lockText({ pid: await deadPid() }))
    for (const { process } of children) process.stdin!.write('go')
    await all((child) => child.line(/held|RUN_LOCKED/))
    const lines = children.map((child) => child.lines.at(-1)!)
    const winner = children[lines.indexOf('held')]!.process.pid
    await all((child) => child.kill())
    expect(lines.filter((line) => line === 'held')).toHaveLength(1)
    expect(lines.filter((line) => /^RUN_LOCKED: .*expected no other writer/.test(line))).toHaveLength(7)
    expect(JSON.parse(readFileSync(join(folder, 'lock'), 'utf8')).pid).toBe(winner)
  })
})
