import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../lib/libtorch/paths.js'
import { placed } from '../../lib/libtorch/pip.js'
import { files, folder } from './fake.js'

const bin = join(packageRoot(), 'dist', 'bin', 'lvm.js')
/** A working folder with files that Python would import as its modules; each writes a marker file when it runs. */
function trap() {
  const cwd = folder()
  const mark = join(cwd, 'ran')
  const code = `open(${JSON.stringify(mark)}, 'a').write(__name__ + '\\n')\n`
  files(cwd, Object.fromEntries(['pip', 'runpy', 'importlib', 'json', 'torch/__init__'].map((name) => [`${name}.py`, code])))
  mkdirSync(join(cwd, 'torch', 'lib'), { recursive: true })
  writeFileSync(join(cwd, 'torch', 'lib', 'libtorch_cpu.so'), '')
  writeFileSync(join(cwd, 'torch', 'version.py'), "__version__ = '2.13.0'\n")
  return { cwd, ran: () => existsSync(mark) }
}
const lvm = (cwd: string, words: string[], env: Record<string, string> = {}) =>
  spawnSync(process.execPath, [bin, ...words], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, PIP_INDEX_URL: 'http://127.0.0.1:9/', ...env },
  })

test.each<[string[], Record<string, string>]>([
  [['doctor'], {}],
  [['doctor', '--json'], { PYTHONPATH: '' }],
  [['doctor'], { PYTHONPATH: '.' }],
  [['libtorch', 'install', '--from', 'pip', '--force'], { PIP_NO_INDEX: '1' }],
])('%j runs no Python file of the working folder', (words, env) => {
  const { cwd, ran } = trap()
  const { stdout, stderr } = lvm(cwd, words, { LVM_TORCH_CACHE: join(cwd, 'cache'), ...env })
  expect(stdout + stderr).not.toBe('')
  expect(ran()).toBe(false)
})
test('a folder named torch in the working folder is not mistaken for the torch of a Python', () => {
  const { cwd, ran } = trap()
  const { stdout } = lvm(cwd, ['doctor', '--json'], { LVM_TORCH_USE_PYTORCH: '1', LVM_TORCH_LIBTORCH: '' })
  const { libtorch } = JSON.parse(stdout) as { libtorch: { path: string | null }[] }
  expect(libtorch.filter(({ path }) => path?.startsWith(cwd))).toEqual([])
  expect(ran()).toBe(false)
})
test('relative paths in the environment variables of pip are resolved against the working folder, and URLs stay unchanged', () => {
  const env = {
    PIP_FIND_LINKS: 'lib https://wheels.example/  docs',
    PIP_CERT: '/none.pem',
    PIP_INDEX_URL: 'lib',
    PIP_CONSTRAINT: '',
  }
  expect(placed(env)).toEqual({
    PIP_FIND_LINKS: `${resolve('lib')} https://wheels.example/ ${resolve('docs')}`,
    PIP_CERT: '/none.pem',
  })
})
