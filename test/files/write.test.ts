import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fileError } from '../../lib/errors.js'
import { systemTag } from '../../lib/files/leftovers.js'
import { publish, publishSync, temporary, writeAll, writeNew } from '../../lib/files/write.js'
import { refusal, tempFolder } from '../checkpoint/run.js'

describe('writing all bytes', () => {
  /** A file that takes so many bytes at a time, and what it was asked for. */
  function slow(most: number) {
    const asked: number[] = []
    const taken: number[] = []
    const write = async (_: unknown, at: number, length: number) => {
      asked.push(length)
      taken.push(at)
      return { bytesWritten: Math.min(most, length) }
    }
    return { asked, taken, file: { write } as unknown as Parameters<typeof writeAll>[0] }
  }
  it('writeAll continues after a partial write', async () => {
    const { file, taken } = slow(1000)
    await writeAll(file, new Uint8Array(2500))
    expect(taken).toEqual([0, 1000, 2000])
  })
  it('writeAll writes less than 2 GiB per call, the limit of the system', async () => {
    const { file, asked } = slow(Infinity)
    await writeAll(file, new Uint8Array(2 ** 31 + 10)) // zeros that are never touched take no memory
    expect(Math.max(...asked)).toBeLessThan(2 ** 31)
    expect(asked.reduce((a, b) => a + b)).toBe(2 ** 31 + 10)
  })
  it('writeAll fails when the system writes no byte', async () => {
    await expect(writeAll(slow(0).file, new Uint8Array(5))).rejects.toMatchObject({ code: 'ENOSPC' })
  })
})

describe('publishing', () => {
  it('publish joins text, bytes and numbers in order and creates the folder', async () => {
    const path = join(await tempFolder(), 'a', 'b', 'file')
    await publish({ [path]: ['one\n', Buffer.from('two\n'), new Uint16Array([0x3333]), 'x'.repeat(3 << 20)] })
    expect(readFileSync(path, 'latin1')).toBe(`one\ntwo\n33${'x'.repeat(3 << 20)}`)
    expect(readdirSync(join(path, '..'))).toEqual(['file'])
  })
  it('publish changes no file and leaves no temporary file when one write fails', async () => {
    const folder = await tempFolder()
    writeFileSync(join(folder, 'a'), 'old')
    const broken = (async function* () {
      yield 'half'
      throw new Error('no more')
    })()
    await expect(publish({ [join(folder, 'a')]: 'new', [join(folder, 'b')]: broken })).rejects.toThrow('no more')
    expect(readdirSync(folder)).toEqual(['a'])
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('old')
  })
  it('writing to the path of a folder is FILE_ACCESS, and writeNew never follows a link', async () => {
    const folder = await tempFolder()
    symlinkSync('/dev/full', join(folder, 'full'))
    mkdirSync(join(folder, 'folder'))
    expect(await refusal(publish({ [join(folder, 'folder')]: 'x' }))).toMatchObject({ code: 'FILE_ACCESS', exit: 2 })
    expect(await refusal(writeNew(join(folder, 'full'), 'x'))).toMatchObject({ code: 'FILE_ACCESS' }) // it never follows a link
  })
  it('publish into a new folder on a read-only disk is FILE_ACCESS, although Node reports a missing folder', () => {
    const told = (syscall: string) =>
      fileError(Object.assign(new Error('no such file or directory'), { code: 'ENOENT', syscall }), 'x')
    expect(told('mkdir')).toMatchObject({ code: 'FILE_ACCESS' })
    expect(told('open')).toMatchObject({ code: 'FILE_MISSING' })
  })
  it.skipIf(process.platform === 'win32')('writing beyond the file size limit is NO_DISK, not a truncated file', async () => {
    const folder = await tempFolder(true)
    const code = `import { publish } from ${JSON.stringify(new URL('../../dist/lib/files/write.js', import.meta.url).href)}
      await publish({ [process.argv[1]]: new Uint8Array(115328) }).then(() => console.log('whole'), ({ code }) => console.log(code))`
    const words = [
      '-c',
      'ulimit -f 100 && exec "$0" --input-type=module -e "$1" "$2"',
      process.execPath,
      code,
      join(folder, 'x.npy'),
    ]
    const { stdout } = spawnSync('bash', words, { encoding: 'utf8' })
    expect(stdout.trim()).toBe('NO_DISK')
    expect(readdirSync(folder)).toEqual([])
  })
})

it('a writer removes only the temporary files of killed writers from its folder', async () => {
  const folder = await tempFolder()
  const dead = spawnSync(process.execPath, ['--version']).pid
  const old = new Date(Date.now() - 48 * 3600_000)
  const put = (name: string, time = new Date()) => {
    writeFileSync(join(folder, name), '')
    utimesSync(join(folder, name), time, time)
  }
  const chance = '0123456789ab'
  for (const name of [`.tmp-${dead}-${systemTag}${chance}`, `.tmp-${dead}-3`, `.tmp-${dead}-${systemTag}${chance}.npy`]) put(name)
  put(`.tmp-${process.pid}-deadbeef${chance}`, old)
  const kept = [
    `.tmp-${process.pid}-${systemTag}${chance}`,
    `.tmp-${dead}-deadbeef${chance}`,
    '.tmp-notes',
    '.tmp-12-x',
    'report.json',
  ]
  for (const name of kept) put(name)
  for (const name of [`.tmp-${dead}-4`, `.tmp-${dead}-${systemTag}${chance}.d`]) mkdirSync(join(folder, name))
  publishSync(join(folder, 'other'), 'x')
  await publish({ [join(folder, 'report.json')]: '{}' })
  expect(readdirSync(folder).sort()).toEqual([...kept, 'other', `.tmp-${dead}-4`].sort())
  expect(statSync(join(folder, 'report.json')).size).toBe(2)
})

it('a process that exits removes the unfinished files of its main thread only', async () => {
  const folder = await tempFolder()
  const dist = new URL('../../dist/lib/files/write.js', import.meta.url).href
  const code = (before: string) => `import { mkdirSync, writeFileSync } from 'node:fs'
    import { Worker } from 'node:worker_threads'
    import { temporary } from ${JSON.stringify(dist)}
    ${before}
    writeFileSync(temporary('.', '.npy'), 'x')
    mkdirSync(temporary('.') + '/inside', { recursive: true })`
  const run = (text: string) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', text], { cwd: folder, encoding: 'utf8' })
  writeFileSync(join(folder, `.tmp-1-${systemTag}0123456789ab`), '')
  expect(run(code('')).stderr).toBe('')
  expect(readdirSync(folder)).toHaveLength(1)
  const inWorker = `new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(code(''))})))`
  expect(run(`import { Worker } from 'node:worker_threads'; ${inWorker}`).stderr).toBe('')
  expect(readdirSync(folder)).toHaveLength(3)
})

it('names of temporary files differ between threads and processes', () => {
  const many = Array.from({ length: 1000 }, () => temporary('x'))
  expect(new Set(many).size).toBe(1000)
})
