import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { serveScript } from '../../lib/bundle/serve-script.js'

const scratch = mkdtempSync(join(tmpdir(), "lvm-torch serve's "))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))
const fits = {
  platform: process.platform,
  arch: process.arch,
  node: [20, 19],
  glibc: null,
  glibcxx: null,
  runs: ['a', 'b'],
  bank: "bank/it's.npy",
} as const
let number = 0

/** Writes `serve` beside a program that prints its arguments, and runs it. */
function serve(served: Parameters<typeof serveScript>[0], words: string[] = [], env: Record<string, string> = {}) {
  const folder = join(scratch, String(number++))
  mkdirSync(join(folder, 'app/dist/bin'), { recursive: true })
  writeFileSync(join(folder, 'serve'), serveScript(served))
  chmodSync(join(folder, 'serve'), 0o755)
  const program = `
    const words = process.argv.slice(2)
    if (words[0] === 'bundle') console.log('checked'); else console.log(JSON.stringify({ words, env: process.env }))
    if (words[0] === 'bundle' && process.env.DAMAGED) process.exit(3)`
  writeFileSync(join(folder, 'app/dist/bin/lvm.js'), program)
  const { PATH } = process.env
  const { status, stdout, stderr } = spawnSync(join(folder, 'serve'), words, { encoding: 'utf8', env: { PATH, ...env } })
  return { folder, status, stdout, stderr }
}

describe.skipIf(process.platform === 'win32')('./serve of a bundle', () => {
  test('serve of a bundle starts the server with its runs and bank and passes further options on', () => {
    const { folder, status, stdout } = serve(fits, ['--port', '0', '--json', 'two words'])
    expect(status).toBe(0)
    const { words, env } = JSON.parse(stdout)
    expect(words).toEqual([
      'serve',
      `${folder}/runs/a`,
      `${folder}/runs/b`,
      '--bank',
      `${folder}/bank/it's.npy`,
      ...['--port', '0', '--json', 'two words'],
    ])
    expect(env.LVM_TORCH_LIBTORCH).toBe(`${folder}/libtorch`)
  })
  test('serve of a bundle lets --models-file replace its runs and --bank its bank', () => {
    const words = (...given: string[]) => JSON.parse(serve(fits, given).stdout).words
    expect(words('--models-file', 'list').join(' ')).toMatch(/^serve --bank \S+ serve's \S+\/bank\/it's.npy --models-file list$/)
    expect(words('--bank=other').slice(3)).toEqual(['--bank=other'])
    expect(JSON.parse(serve({ ...fits, bank: null }).stdout).words.length).toBe(3)
    expect(JSON.parse(serve({ ...fits, space: "a 'b'" }).stdout).words.slice(-2)).toEqual(['--space', "a 'b'"])
  })
  test('serve of a bundle keeps its cache in the bundle where there is no home folder, and elsewhere if told so', () => {
    expect(JSON.parse(serve(fits).stdout).env.LVM_TORCH_CACHE).toMatch(/\/cache$/)
    expect(JSON.parse(serve(fits, [], { HOME: scratch }).stdout).env.LVM_TORCH_CACHE).toBeUndefined()
    expect(JSON.parse(serve(fits, [], { LVM_TORCH_CACHE: '/c' }).stdout).env.LVM_TORCH_CACHE).toBe('/c')
  })
  test('serve of a bundle does not start the server when the quick check fails', () => {
    expect(serve(fits, [], { DAMAGED: '1' })).toMatchObject({ status: 3, stdout: '' })
  })
  test.each([
    ['another processor', { arch: 'riscv64' }, 'expected a bundle for linux-riscv64'],
    ['another system', { platform: 'darwin' }, `expected a bundle for darwin-${process.arch}`],
    ['a newer Node', { node: [99, 1] as const }, 'expected Node 99.1 or newer but this is v'],
    ['a newer minor version of Node', { node: [Number(process.versions.node.split('.')[0]), 999] as const }, '999 or newer'],
    ['a newer C library', { glibc: '9.1' }, 'expected glibc 9.1 or newer but this is glibc 2.'],
    ['a newer C++ library', { glibcxx: '3.4.999' }, 'expected a libstdc++ with GLIBCXX_3.4.999'],
  ])('serve of a bundle made for %s ends with code 4, the reason and the fix', (_, other, words) => {
    const { status, stderr, stdout } = serve({ ...fits, ...other })
    expect({ status, stdout }).toEqual({ status: 4, stdout: '' })
    expect(stderr).toContain(words)
    expect(stderr).toMatch(/^LIBTORCH_MISMATCH: serve: .*\nfix: \S.*\n$/)
  })
  test('serve of a bundle says so where there is no Node', () => {
    const bin = join(scratch, 'bin')
    mkdirSync(bin)
    for (const tool of ['sh', 'dirname', 'readlink']) symlinkSync(`/usr/bin/${tool}`, join(bin, tool))
    const { status, stderr } = serve(fits, [], { PATH: bin })
    expect(status).toBe(4)
    expect(stderr).toContain('expected Node 20.19 or newer but there is no program node')
    expect(serve(fits, [], { PATH: bin, NODE: process.execPath }).status).toBe(0)
  })
})
